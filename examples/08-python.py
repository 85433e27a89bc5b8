"""From Python: a polars frame goes in as Arrow, answers come back to polars and to pyarrow.

Needs a running node (`npm start`) and `pip install -r examples/requirements.txt`.
"""

import io
import json
import os
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import polars as pl
import pyarrow as pa

URL = os.environ.get("MAYFLY_URL", "http://127.0.0.1:7464")
DATA = Path(__file__).parents[1] / "node_modules/vega-datasets/data"
ARROW = "application/vnd.apache.arrow.stream"


def call(method, path, body=None, content_type="application/json", accept="application/json"):
    """One call of the node; the answer's body as it comes, to be read once."""
    headers = {"Mayfly-Tenant": "acme", "Content-Type": content_type, "Accept": accept}
    return urlopen(Request(URL + path, data=body, method=method, headers=headers))


def query(session, sql, accept, **parameters):
    body = json.dumps({"query": sql, "parameters": parameters}).encode()
    return call("POST", f"/v1/sessions/{session}/sql", body, accept=accept)


weather = pl.read_csv(DATA / "seattle-weather.csv", try_parse_dates=True)
session = json.load(call("POST", "/v1/sessions", b'{"timeout": "10m"}'))["session_id"]
try:
    # One call makes the table of the frame's schema and inserts its rows.
    stream = io.BytesIO()
    weather.write_ipc_stream(stream)
    table = json.load(call("PUT", f"/v1/sessions/{session}/tables/weather", stream.getvalue(), ARROW))
    print(f"{table['rows']} days of weather in Seattle.")

    # Into polars: the whole answer as a frame.
    by_month = """
        SELECT monthname(date) AS month, avg(temp_max) AS high, count_if(precipitation > 0) / 4 AS wet_days
        FROM weather
        GROUP BY month, month(date)
        ORDER BY month(date)"""
    for month, high, wet_days in pl.read_ipc_stream(query(session, by_month, ARROW).read()).iter_rows():
        print(f"  {month:<9} {high:4.1f} °C  {wet_days:4.1f} wet days  {'█' * round(wet_days)}")

    # Into pyarrow: batch by batch as the answer arrives, however long it is. The end-of-stream marker must come: a cut
    # connection raises, it never looks like the end.
    days = 0
    with pa.ipc.open_stream(query(session, "FROM weather WHERE weather = $kind", ARROW, kind="snow")) as batches:
        for batch in batches:
            days += batch.num_rows
    print(f"It snowed on {days} days.")

    # What went wrong is a problem document with a stable code.
    try:
        query(session, "FROM read_csv('/etc/passwd')", ARROW)
    except HTTPError as error:
        problem = json.load(error)
        print(f"Refused with {error.code}, {problem['code']}.")
finally:
    record = json.load(call("DELETE", f"/v1/sessions/{session}"))
    print(f"{record['event']}: {record['deleted_row_count']} rows deleted.")
