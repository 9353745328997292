"""What can be done at the command line? Serve, migrate, make clients and tokens, import, lint, tell the contract."""

import gc
import json
import logging
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from uuid_utils.compat import uuid7

from pip_api.access_commands import accounts, grants
from pip_api.client_commands import clients, create_clients, with_services
from pip_api.exchange.checking import verify
from pip_api.ledger_commands import ledger
from pip_api.rules.ruleset_files import RulesetsRefused
from pip_api.settings import NOBODY, Settings, StartRefused, load

log = logging.getLogger("pip_api.cli")
app = typer.Typer(
    help="Performance Improvement Plans of police forces.", no_args_is_help=True, pretty_exceptions_enable=False
)
app.add_typer(clients, name="client")
app.add_typer(accounts, name="account")
app.add_typer(grants, name="grant")
app.add_typer(ledger, name="ledger")
app.command()(verify)

DEMO_CLIENTS = {
    "demo-admin": ("Demonstration: national administrator", "national_admin", "national"),
    "demo-force": ("Demonstration: Avon and Somerset", "force_lead", "force:avon-and-somerset"),
    "demo-triage": ("Demonstration: south west triage", "regional_triage", "region:south-west"),
}


def main() -> None:
    """The entry point. What stops a start is said in one sentence, with exit code 2."""
    try:
        app()
    except (StartRefused, RulesetsRefused) as refusal:
        _stop(str(refusal))


def _stop(sentence: str) -> NoReturn:
    print(f"pip-api: {sentence}", file=sys.stderr)
    raise SystemExit(2)


@app.command()
def serve(
    demo: Annotated[bool, typer.Option("--demo", help="Migrate first, and load the worked example.")] = False,
) -> None:
    """Serve the API until a signal ends it."""
    import uvicorn

    from pip_api.app import create_app
    from pip_api.db.migrate import require_current
    from pip_api.http.listening import Listener, take_address
    from pip_api.http.logs import configure

    settings = load()
    configure(json=settings.environment == "production", level=settings.log_level)
    with take_address(settings) as listener:
        if demo:
            _prepare_demo(settings)
        _require_issuer(settings)
        require_current(settings)
        with_services(settings, lambda services: services.database.require_walls())
        config = uvicorn.Config(
            create_app(settings),
            http=Listener,
            ws="none",
            loop="uvloop",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # an address that anybody may write is no address
            timeout_graceful_shutdown=settings.stop_grace_seconds,
        )
        print(_welcome(settings, demo), flush=True)
        gc.freeze()  # what lives as long as the process is not looked through again at each collection
        # When it has stopped in good order, uvicorn raises the signal again: that would end the process with a failure.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        uvicorn.Server(config).run(sockets=[listener])


def _require_issuer(settings: Settings) -> None:
    """Programs go by the issuer and its metadata, and a token of one service must not pass for that of another."""
    if settings.issuer != NOBODY:
        return
    if settings.environment == "production":
        raise StartRefused(
            "In production PIP_ISSUER has to be set: the address of the service, such as https://pip.example."
        )
    if settings.database_url.startswith("postgresql://"):
        log.warning("tokens are issued in the name of %s: set PIP_ISSUER to the address of the service", NOBODY)


def _welcome(settings: Settings, demo: bool) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{settings.port}"
    lines = [f"pip_api serves {address}", f"  docs   {address}/docs"]
    if not demo:
        return "\n".join([*lines, "  token  pip-api token CLIENT, with a client from: pip-api client create"])
    command, bearer = sys.argv[0], '-H "Authorization: Bearer $TOKEN"'
    return "\n".join(
        [
            *lines,
            f"  token  TOKEN=$({command} token demo-triage --server {address})",
            "  try",
            f"    curl -s -w '\\n' {bearer} '{address}/v1/triage?region=south-west&level=3'",
            f"    curl -s -w '\\n' {bearer} '{address}/v1/pips?force=avon-and-somerset&fields=ref,title,status'",
            f"    curl -s -w '\\n' {bearer} '{address}/v1/figures?measure=demo.101-abandoned&limit=3'",
        ]
    )


def _prepare_demo(settings: Settings) -> None:
    if settings.environment == "production":
        raise StartRefused("The demonstration is not loaded in production: leave out --demo.")
    from pip_api.contract import OPERATIONS
    from pip_api.exchange.example import load_example

    _migrate(settings)
    with_services(settings, partial(load_example, operations=OPERATIONS))
    path = _demo_file(settings)
    if path.exists():
        return
    try:
        made = create_clients(settings, DEMO_CLIENTS, "Made by serve --demo")
    except StartRefused as refusal:
        lost = f"The demonstration was set up before, but {path}, the file of its secrets, is not there"
        where = "it lies beside the signing key (PIP_SIGNING_KEY_FILE) that was used then"
        raise StartRefused(f"{lost}: {where}.") from refusal
    path.touch(mode=0o600)
    path.write_text(json.dumps(made))


def _demo_file(settings: Settings) -> Path:
    return settings.signing_key_file.with_name("demo-clients.json")


@app.command()
def migrate() -> None:
    """Bring the database to this release and add missing reference data."""
    _migrate(load())
    print("The database is migrated, and the reference data is there.")


def _migrate(settings: Settings) -> None:
    from pip_api.access.keys import sealing_key, signing_key
    from pip_api.db.migrate import migrate as migrate_schema
    from pip_api.exchange.catalogue import load_reference

    signing_key(settings)  # asked for before anything is written: loading the reference data needs it
    sealing_key(settings)  # and what is written is to be sealed
    migrate_schema(settings)
    with_services(settings, load_reference)


Address = Annotated[str, typer.Option("--server", envvar="PIP_SERVER", help="Where the service is.")]
ClientId = Annotated[str, typer.Option(envvar="PIP_CLIENT_ID", help="The client's id.")]
ClientSecret = Annotated[str, typer.Option(envvar="PIP_CLIENT_SECRET", help="Its secret; better in the environment.")]
HERE = "http://127.0.0.1:8000"


@app.command()
def token(
    client_id: Annotated[str, typer.Argument(envvar="PIP_CLIENT_ID", help="The client's id.")],
    server: Address = HERE,
    client_secret: ClientSecret = "",
) -> None:
    """Print a bearer token from a running service."""
    from pip_api.exchange.sending import SendingFailed, Server

    try:
        print(Server(server, client_id, client_secret or _demo_secret(client_id)).get_token())
    except SendingFailed as error:
        _stop(str(error))


def _demo_secret(client_id: str) -> str:
    """The secret of a demonstration client of this folder. Raises StartRefused."""
    path = _demo_file(load())
    secrets: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if client_id not in secrets:
        raise StartRefused(f"There is no secret for client {client_id!r}: give it in PIP_CLIENT_SECRET.")
    return secrets[client_id]


@app.command("import")
def import_file(
    kind: Annotated[str, typer.Argument(help="measures or figures")],
    file: Annotated[Path, typer.Argument(help="CSV or NDJSON, also with .gz.", exists=True, dir_okay=False)],
    client_id: ClientId,
    server: Address = HERE,
    client_secret: ClientSecret = "",
    mode: Annotated[str, typer.Option(help="atomic: all rows or none; per_row: each that is good.")] = "atomic",
    delimiter: Annotated[str, typer.Option(help="Between the cells, if not to be found out: , ; tab or |")] = "",
    charset: Annotated[str, typer.Option(help="Of a CSV file that is not UTF-8, such as windows-1252.")] = "",
    source: Annotated[str, typer.Option(help="The system that the file comes from.")] = "",
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")] = "",
) -> None:
    """Send a file to a running service. Exits with 0 when every row is in, 1 when some are, 2 when none is."""
    from rich.console import Console
    from rich.progress import Progress, TransferSpeedColumn

    from pip_api.exchange.sending import SendingFailed, Server, media_type_of, send
    from pip_api.exchange.telling import tell

    given = {"mode": mode, "delimiter": delimiter, "source": source, "reason": reason}
    params = {name: value for name, value in given.items() if value}
    target = Server(server, client_id, client_secret or _demo_secret(client_id))
    bar = Progress(*Progress.get_default_columns(), TransferSpeedColumn(), console=Console(stderr=True))
    try:
        with bar as progress:
            task = progress.add_task(f"Sending {file.name}", total=file.stat().st_size)
            media_type = media_type_of(file) + (f"; charset={charset}" if charset else "")
            tell_bar = partial(progress.update, task)
            summary = send(target, kind, file, media_type, params, lambda done: tell_bar(completed=done), str(uuid7()))
    except SendingFailed as error:
        _stop(str(error))
    raise typer.Exit(tell(summary))


@app.command()
def lint(
    file: Annotated[Path, typer.Argument(help="A plan document, or - for standard input.", allow_dash=True)],
    as_json: Annotated[bool, typer.Option("--json", help="The report as the service would answer it.")] = False,
    ruleset: Annotated[str, typer.Option(help="By which rules; the newest, where nothing is said.")] = "",
) -> None:
    """Hold a plan document against the good practice of the College, offline.

    The document is what /v1/pips/{id}/document answers. Prints a line for each rule, below it the request that
    puts right what falls short, and the verdict. Exits with 0 when the plan is ready, 1 when it is not, 2 when it is no
    plan document.
    """
    from pip_api.insight.written_plan import read_written
    from pip_api.rules import readiness as rules
    from pip_api.rules.plan_document import NotAPlan

    if ruleset and ruleset not in rules.rulesets():
        _stop(f"There is no ruleset {ruleset!r}. There are: {', '.join(rules.rulesets())}.")
    try:
        plan = read_written(json.loads(sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")))
    except OSError as error:
        _stop(f"{file} cannot be read: {error.strerror}.")
    except UnicodeDecodeError:
        _stop(f"{file} is not UTF-8.")
    except json.JSONDecodeError as error:
        _stop(f"{file} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.")
    except NotAPlan as refusal:
        for fault in refusal.faults:
            print(f"{file}{fault.pointer}: {fault.detail}", file=sys.stderr)
        _stop(f"{file} is not a plan document.")
    report = rules.readiness(plan, rules.ruleset(ruleset or rules.NEWEST))
    if as_json:
        print(json.dumps(report.as_json(plan), indent=2, ensure_ascii=False))
    else:
        told = report.as_json(plan)
        for line in told["results"]:
            says = f"{line['detail']} ({', '.join(line['evidence'])})" if line["detail"] else line["title"]
            print(f"{line['result']:<14} {line['rule']}  {says}")
            if line["fix"]:
                print(f"{'':<14} fix        {line['fix']['method']} {line['fix']['href']}")
        score = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in told["score"].items())
        print(f"{told['verdict'].replace('_', ' ')} by {told['ruleset']}: {score}")
    raise typer.Exit(0 if report.ready else 1)


@app.command()
def openapi(older: Annotated[bool, typer.Option("--3.0", help="For tools that only know 3.0.")] = False) -> None:
    """Print the OpenAPI document."""
    from pip_api.app import describe, describe_3_0

    print(json.dumps(describe_3_0() if older else describe(), indent=2, ensure_ascii=False))
