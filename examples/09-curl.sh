#!/bin/sh
# From curl: two CSV files go in, a join of them comes out. Needs a running node (`npm start`).
set -eu

url=${MAYFLY_URL:-http://127.0.0.1:7464}
data=$(dirname "$0")/../node_modules/vega-datasets/data
tenant='Mayfly-Tenant: acme'
json='Content-Type: application/json'
csv='Content-Type: text/csv'

# The value of one field of a JSON answer.
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

id=$(curl -sS "$url/v1/sessions" -H "$tenant" -H "$json" -d '{"timeout":"10m"}' | field session_id)
session=$url/v1/sessions/$id

# A table is made of columns with DuckDB's types; rows come from a file, by the names in its first line.
curl -sS -o /dev/null -X PUT "$session/tables/airports" -H "$tenant" -H "$json" -d '{
  "columns": [
    {"name": "iata", "type": "VARCHAR"},
    {"name": "name", "type": "VARCHAR"},
    {"name": "city", "type": "VARCHAR"},
    {"name": "state", "type": "VARCHAR"},
    {"name": "country", "type": "VARCHAR"},
    {"name": "latitude", "type": "DOUBLE"},
    {"name": "longitude", "type": "DOUBLE"}
  ],
  "primary_key": ["iata"]
}'
rows=$(curl -sS "$session/tables/airports/rows" -H "$tenant" -H "$csv" --data-binary "@$data/airports.csv" | field rows)
echo "$rows airports"

curl -sS -o /dev/null -X PUT "$session/tables/routes" -H "$tenant" -H "$json" -d '{
  "columns": [
    {"name": "origin", "type": "VARCHAR"},
    {"name": "destination", "type": "VARCHAR"},
    {"name": "count", "type": "INTEGER"}
  ]
}'
rows=$(curl -sS "$session/tables/routes/rows" -H "$tenant" -H "$csv" --data-binary "@$data/flights-airport.csv" | field rows)
echo "$rows routes"

# The answer comes as CSV when that is accepted, else as JSON.
curl -sS "$session/sql" -H "$tenant" -H "$json" -H 'Accept: text/csv' -d '{
  "query": "SELECT city, sum(count) AS departures, count(*) AS destinations FROM routes JOIN airports ON iata = origin WHERE state = $state GROUP BY city ORDER BY departures DESC LIMIT 5",
  "parameters": {"state": "CA"}
}'

refusal=$(curl -sS "$session/sql" -H "$tenant" -H "$json" -d '{"query": "SELECT altitude FROM airports"}')
echo "A wrong column: $(echo "$refusal" | field code)"

record=$(curl -sS -X DELETE "$session" -H "$tenant")
echo "The end: $(echo "$record" | field event), $(echo "$record" | field deleted_row_count) rows deleted"

curl -sS "$url/v1/lifecycle?session_id=$id" -H "$tenant" | while read -r line; do
  echo "In the log: $(echo "$line" | field event)"
done
