#!/bin/sh
# From curl: a session's whole life in the shell. Needs a running node (`npm start`).
set -eu

url=${MAYFLY_URL:-http://127.0.0.1:7464}
cars=$(dirname "$0")/../node_modules/vega-datasets/data/cars.json
tenant='Mayfly-Tenant: acme'
json='Content-Type: application/json'

# The value of one field of a JSON answer.
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

id=$(curl -sS "$url/v1/sessions" -H "$tenant" -H "$json" -d '{"timeout":"10m"}' | field session_id)
session=$url/v1/sessions/$id

curl -sS -X PUT "$session/tables/cars" -H "$tenant" -H "$json" -o /dev/null -d '{
  "columns": [
    {"name": "Name", "type": "VARCHAR"},
    {"name": "Miles_per_Gallon", "type": "DOUBLE"},
    {"name": "Cylinders", "type": "INTEGER"},
    {"name": "Displacement", "type": "DOUBLE"},
    {"name": "Horsepower", "type": "INTEGER"},
    {"name": "Weight_in_lbs", "type": "INTEGER"},
    {"name": "Acceleration", "type": "DOUBLE"},
    {"name": "Year", "type": "DATE"},
    {"name": "Origin", "type": "VARCHAR"}
  ]
}'
rows=$(curl -sS "$session/tables/cars/rows" -H "$tenant" -H "$json" --data-binary "@$cars" | field rows)
echo "$rows cars are in."

query='{
  "query": "SELECT Name, Horsepower FROM cars WHERE Origin = $origin ORDER BY Horsepower DESC, Name LIMIT 3",
  "parameters": {"origin": "Europe"},
  "timeout": "5s"
}'
curl -sS "$session/sql" -H "$tenant" -H "$json" -d "$query"
echo

refusal=$(curl -sS "$session/sql" -H "$tenant" -H "$json" -d '{"query": "SELECT Torque FROM cars"}')
echo "A wrong column: $(echo "$refusal" | field code)"

record=$(curl -sS -X DELETE "$session" -H "$tenant")
echo "The end: $(echo "$record" | field event), $(echo "$record" | field deleted_row_count) rows deleted"

curl -sS "$url/v1/lifecycle?session_id=$id" -H "$tenant" | while read -r line; do
  echo "In the log: $(echo "$line" | field event)"
done
