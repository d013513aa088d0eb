"""What several conformance tests need: fleets, raw requests, and the life of a job."""

import datetime
import http.client
import re
import urllib.parse

import botocore.exceptions
import pytest

ACCOUNT = "111122223333"
REGION = "us-east-1"
# Longer than any job of the default timings, Windows and clean-up included.
JOB_SECONDS = 2400


def fleet(*servers, settings=None, regions=(), initialized=True, accounts=()):
    """A fleet of one account and one Region, and more when given."""
    region = {"name": REGION, "initialized": initialized, "servers": list(servers)}
    account = {"id": ACCOUNT, "regions": [region, *regions]}
    return {"accounts": [account, *accounts], "settings": settings or {}}


def server(hostname, **members):
    return {"hostname": hostname, **members}


def servers(count):
    return [server(f"host-{number:03}") for number in range(count)]


class Answer:
    """An answer as it was on the wire."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body
        self.error = self.headers.get("x-amzn-errortype")


def raw(simulator, method, path, body=b"", *, service="drs", region=REGION, key=f"AKIASIM0{ACCOUNT}", date=None, headers=None):
    """A request with an Authorization header but no client; None when the connection was closed without an answer."""
    date = date or datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{key}/{date[:8]}/{region}/{service}/aws4_request"
    sent = {"X-Amz-Date": date, "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
    sent.update(headers or {})
    sent = {name: value for name, value in sent.items() if value is not None}
    address = urllib.parse.urlsplit(simulator.endpoint)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    try:
        connection.request(method, path, body=body or None, headers=sent)
        answer = connection.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())
    except (http.client.RemoteDisconnected, ConnectionResetError):
        return None
    finally:
        connection.close()


def refused(call, code, status=None):
    """Asserts that a call is refused with a code, and gives the whole answer."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    answer = caught.value.response
    assert answer["Error"]["Code"] == code, answer
    if status is not None:
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status, answer
    return answer


def ids(drs):
    """The ids of the source servers by host name."""
    pages = drs.get_paginator("describe_source_servers").paginate()
    found = [item for page in pages for item in page["items"]]
    return {item["sourceProperties"]["identificationHints"]["hostname"]: item["sourceServerID"] for item in found}


def launch(drs, *server_ids, drill=True, **options):
    """Starts a job; its id."""
    listed = [{"sourceServerID": server_id} for server_id in server_ids]
    return drs.start_recovery(sourceServers=listed, isDrill=drill, **options)["job"]["jobID"]


def launched(simulator, drs, *server_ids, **options):
    """Starts a job and lets it end; the job."""
    job_id = launch(drs, *server_ids, **options)
    simulator.advance(JOB_SECONDS)
    return job(drs, job_id)


def job(drs, job_id):
    (found,) = drs.describe_jobs(filters={"jobIDs": [job_id]})["items"]
    return found


def participant(found, server_id):
    (one,) = [one for one in found["participatingServers"] if one["sourceServerID"] == server_id]
    return one


def log(drs, job_id):
    pages = drs.get_paginator("describe_job_log_items").paginate(jobID=job_id)
    return [item for page in pages for item in page["items"]]


def events(items, server_id=None):
    """The names of events: of one server, or of all."""
    return [
        item["event"]
        for item in items
        if server_id is None or item.get("eventData", {}).get("sourceServerID") == server_id
    ]


def source_server(drs, server_id):
    (found,) = drs.describe_source_servers(filters={"sourceServerIDs": [server_id]})["items"]
    return found


def instances(drs, *server_ids):
    return drs.describe_recovery_instances(filters={"sourceServerIDs": list(server_ids)})["items"]


def seconds_between(one, other):
    parse = datetime.datetime.fromisoformat
    return (parse(other) - parse(one)).total_seconds()


def is_wire_time(text):
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", text) is not None
