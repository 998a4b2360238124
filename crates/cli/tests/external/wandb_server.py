"""A stand-in for W&B's server on the loopback interface: as much of it as `wandb sweep`, `wandb agent` and the upload
of a run ask for. It hands out the runs that a test queues, and keeps what it is sent.

As wandb.ai does, it answers 404 to a run that names a sweep it does not know (wandb/wandb#8115). `refuse` has it answer
other things than it should: errors, half answers, pages of a proxy.

Written from what the client asks (wandb 0.29 to 0.31), with the standard library alone.
"""

import base64
import gzip
import http.server
import json
import re
import threading
import urllib.parse


class Sweep:
    def __init__(self, config):
        self.config = config  # as YAML
        self.queue = []  # runs to be handed out: {"run_id", "program", "args"}
        self.started = []  # ids of runs handed out
        self.ended = []  # ids of runs that an agent no longer reports
        self.to_stop = set()


class UnknownSweep(Exception):
    pass


class Run:
    def __init__(self, name):
        self.name = name
        self.fields = {}  # what its last upserts said: sweep, project, entity, displayName ...
        self.config = {}
        self.lines = {}  # by file name: {number: text}
        self.files = {}  # by path: size in bytes
        self.exit_code = None
        self.complete = False

    def rows(self, name="wandb-history.jsonl"):
        lines = self.lines.get(name, {})
        return [json.loads(lines[number]) for number in sorted(lines)]

    def summary(self):
        return (self.rows("wandb-summary.json") or [{}])[-1]


class Server:
    """Everything the client sent. `lock` is held while a request is answered."""

    def __init__(self):
        self.lock = threading.RLock()
        self.runs, self.sweeps, self.artifacts, self.unknown = {}, {}, {}, []
        # By kind of request, "graphql", "stream" or "upload": (status, body, how many times). Status 0 closes the
        # connection, -1 does so amid an answer.
        self.refuse = {}
        handler = type("Bound", (Handler,), {"state": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # clients drop connections when they end
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def run(self, name):
        return self.runs.setdefault(name, Run(name))

    # What GraphQL operations are answered, by the field that they ask for; the first that fits counts.
    def answer(self, query, given):
        for field, answer in self.ANSWERS.items():
            if re.search(rf"\b{field}\b", query):
                return answer(self, given)
        self.unknown.append(query[:200])
        return None

    def refusal(self, kind):
        if kind not in self.refuse:
            return None
        status, body, times = self.refuse[kind]
        if times <= 1:
            del self.refuse[kind]
        else:
            self.refuse[kind] = status, body, times - 1
        return status, body

    def upsert_run(self, given):
        if given.get("sweep") and given["sweep"] not in self.sweeps:
            raise UnknownSweep(f"sweep {given['sweep']} not found")
        name = given.get("name") or next(name for name in self.runs if self.id(name) == given.get("id"))
        run, inserted = self.run(name), name not in self.runs
        run.fields.update({key: value for key, value in given.items() if value is not None})
        if given.get("config"):
            run.config = {key: plain(value) for key, value in json.loads(given["config"]).items()}
        bucket = {"id": self.id(name), "name": name, "displayName": run.fields.get("displayName", name),
                  "description": None, "config": json.dumps({}), "sweepName": run.fields.get("sweep"),
                  "historyLineCount": None, "project": self.project(given)}
        return {"upsertBucket": {"bucket": bucket, "inserted": inserted}}

    def run_files(self, given):
        files = [{"name": name, "uploadUrl": self.upload("runs", given["run"], name)} for name in given["files"]]
        return {"createRunFiles": {"runID": self.id(given["run"]), "uploadHeaders": [], "files": files}}

    def create_artifact(self, given):
        name = f"artifact{len(self.artifacts)}"
        self.artifacts[name] = given | {"files": {}}
        artifact = {"id": name, "digest": given.get("digest"), "state": "PENDING", "aliases": [],
                    "artifactSequence": {"id": f"sequence of {name}", "latestArtifact": None}}
        return {"createArtifact": {"artifact": artifact}}

    def artifact_manifest(self, given):
        name = given.get("artifactID") or given["artifactManifestID"].removeprefix("manifest of ")
        file = {"id": f"file of {name}", "uploadUrl": self.upload("artifacts", name, "manifest"), "uploadHeaders": []}
        manifest = {"artifactManifest": {"id": f"manifest of {name}", "file": file}}
        return {"createArtifactManifest": manifest, "updateArtifactManifest": manifest}

    def artifact_files(self, given):
        nodes = [{"name": file["name"], "displayName": file["name"], "storagePath": file["name"],
                  "uploadUrl": self.upload("artifacts", file["artifactID"], file["name"]), "uploadHeaders": [],
                  "uploadMultipartUrls": None, "artifact": {"id": file["artifactID"]}} for file in given["artifactFiles"]]
        return {"createArtifactFiles": {"files": {"edges": [{"node": node} for node in nodes]}}}

    def commit_artifact(self, given):
        artifact = {"id": given["artifactID"], "digest": self.artifacts[given["artifactID"]].get("digest")}
        return {"commitArtifact": {"artifact": artifact}}

    def upsert_sweep(self, given):
        name = f"sweep{len(self.sweeps)}"
        self.sweeps[name] = Sweep(given["config"])
        sweep = {"name": name, "project": self.project(given)}
        return {"upsertSweep": {"sweep": sweep, "configValidationWarnings": []}}

    def sweep(self, given):
        sweep = self.sweeps[given["sweep"]]
        fields = ["description", "createdAt", "heartbeatAt", "updatedAt", "bestLoss", "controller", "scheduler"]
        known = {"id": "sweep", "name": given.get("sweep"), "method": "grid", "state": "RUNNING",
                 "config": sweep.config, "earlyStopJobRunning": False, "runs": {"edges": []}}
        return {"project": {"sweep": dict.fromkeys(fields) | known}}

    def heartbeat(self, given):
        sweep = self.sweeps[given["id"].removeprefix("agent of ")]
        running = json.loads(given.get("runState") or "{}")
        sweep.ended += [name for name in sweep.started if name not in running and name not in sweep.ended]
        commands = [{"type": "stop", "run_id": name} for name in running if name in sweep.to_stop]
        if not running and sweep.queue:
            commands = [sweep.queue.pop(0) | {"type": "run"}]
            sweep.started.append(commands[0]["run_id"])
        elif not running:
            commands = [{"type": "exit"}]
        return {"agentHeartbeat": {"agent": {"id": given["id"]}, "commands": json.dumps(commands)}}

    def id(self, run):
        return base64.b64encode(f"run {run}".encode()).decode()

    def project(self, given):
        name = given.get("project") or given.get("projectName") or "uncategorized"
        return {"id": "project", "name": name, "entity": {"id": "entity", "name": given.get("entity") or "somebody"}}

    def upload(self, *parts):
        return self.address + "/" + "/".join(urllib.parse.quote(part, safe="") for part in parts)

    VIEWER = {"viewer": {"id": "viewer", "entity": "somebody", "username": "somebody", "email": "somebody@example.org",
                         "flags": "{}", "admin": False, "teams": {"edges": [{"node": {"name": "somebody"}}]}}}
    INFO = {"serverInfo": {"cliVersionInfo": {"max_cli_version": "99.0.0"}, "features": [], "latestLocalVersionInfo": None}}

    ANSWERS = {
        "upsertBucket": upsert_run,
        "createRunFiles": run_files,
        "createArtifactManifest": artifact_manifest,
        "updateArtifactManifest": artifact_manifest,
        "createArtifactFiles": artifact_files,
        "createArtifact": create_artifact,
        "commitArtifact": commit_artifact,
        "upsertSweep": upsert_sweep,
        "createAgent": lambda self, given: {"createAgent": {"agent": {"id": f"agent of {given['sweep']}"}}},
        "agentHeartbeat": heartbeat,
        "viewer": lambda self, given: self.VIEWER | self.INFO,
        "serverInfo": lambda self, given: self.INFO,
        "historyTail": lambda self, given: {"model": {"id": "project", "name": given.get("project"), "bucket": None,
                                                      "entity": {"id": "entity", "name": "somebody"}}},
        "sweepName": sweep,
        "stopped": lambda self, given: {"project": {"run": {"stopped": False}}},
        "organization": lambda self, given: {"organization": None},
    }


def plain(value):
    """Configurations come as {"value": ...}."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state = None

    def log_message(self, *_):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().strip() or b"0", 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def reply(self, value, status=200):
        self.send(json.dumps(value).encode(), status, "application/json")

    def send(self, data, status, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status in (301, 302, 307, 308):
            self.send_header("Location", "/login")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def is_refused(self, kind):
        with self.state.lock:
            refusal = self.state.refusal(kind)
        if refusal is None:
            return False
        status, body = refusal
        if status > 0:
            self.send(body, status, "text/html" if body.startswith(b"<") else "application/json")
            return True
        if status < 0:
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"da')
        self.close_connection = True
        return True

    def do_GET(self):
        self.reply({})

    do_HEAD = do_GET

    def do_PUT(self):
        body = self.body()
        if self.is_refused("upload"):
            return
        kind, name, path = [urllib.parse.unquote(part) for part in self.path.split("?")[0].strip("/").split("/", 2)]
        with self.state.lock:
            files = self.state.run(name).files if kind == "runs" else self.state.artifacts[name]["files"]
            files[path] = len(body)
        self.reply({})

    def do_POST(self):
        body = self.body()
        parts = urllib.parse.urlparse(self.path).path.strip("/").split("/")
        if self.is_refused("graphql" if parts == ["graphql"] else "stream"):
            return
        with self.state.lock:
            if parts == ["graphql"]:
                asked = json.loads(body)
                given = asked.get("variables") or {}
                given |= given["input"] if isinstance(given.get("input"), dict) else {}
                try:
                    data = self.state.answer(asked.get("query") or "", given)
                except UnknownSweep as unknown:
                    error = {"message": str(unknown), "path": ["upsertBucket"]}
                    return self.reply({"data": {"upsertBucket": None}, "errors": [error]}, 404)
                answer = {"data": data} if data else {"data": None, "errors": [{"message": "not known to the stand-in"}]}
            else:
                answer = self.stream(parts[3], json.loads(body)) if parts[-1] == "file_stream" else {}
        self.reply(answer)

    def stream(self, name, sent):
        run = self.state.run(name)
        for file, chunk in (sent.get("files") or {}).items():
            lines, offset = run.lines.setdefault(file, {}), chunk.get("offset", 0)
            lines.update({offset + number: line for number, line in enumerate(chunk.get("content") or [])})
        if sent.get("complete") is not None:
            run.complete, run.exit_code = sent["complete"], sent.get("exitcode")
        return {"exitcode": None, "limits": {}}
