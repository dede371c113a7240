"""`faceparse serve`: the parser behind HTTP."""

from __future__ import annotations

from typer import Option

from faceparse.cli import options
from faceparse.cli.say import say


def command(
    host: str = Option(
        "127.0.0.1", help="Address to listen on; 0.0.0.0 means every network of this machine."
    ),
    port: int = Option(8000, min=0, max=65535, help="Port to listen on; 0 means any free one."),
    model: str = options.MODEL,
    workers: int = Option(1, min=1, max=256, help="Number of processes, each with the model."),
    engine: str = options.ENGINE,
    device: str = options.DEVICE,
    card: str | None = options.CARD,
    input_size: str | None = options.INPUT_SIZE,
    batch: int | None = options.BATCH,
    max_pixels: int = Option(50_000_000, min=1, help="Largest width × height of a picture."),
    max_bytes: int = Option(32 << 20, min=1, help="Longest upload in bytes."),
    max_memory: int = Option(4096, min=1, help="MiB of a process, beyond which it is replaced."),
    timeout: float = Option(60, min=0.01, max=86400, help="Seconds from the end of an upload to its answer."),
    upload: float = Option(30, min=0.01, max=86400, help="Seconds that an upload may take."),
    queue: int = Option(64, min=0, help="Number of pictures that may wait in a process."),
    grace: float = Option(10, min=0, max=86400, help="Seconds to finish requests after Ctrl-C."),
) -> None:
    """Answer HTTP requests: masks, JSON, cut-outs and edits of pictures that clients send.

    Examples: `faceparse serve`, then `curl -F file=@photo.jpg http://127.0.0.1:8000/v1/parse -o mask.png`

    Requests need the bearer token in the environment variable FACEPARSE_TOKEN, if it is set. `/docs` describes the API.
    """
    import logging
    import os

    from faceparse.cli.process import tune_process
    from faceparse.errors import MissingExtraError
    from faceparse.serve import Settings

    try:
        import fastapi  # noqa: F401
        import fastapi_swagger  # noqa: F401
        import python_multipart  # noqa: F401
        import uvicorn  # noqa: F401

        from faceparse.serve.supervisor import Supervisor, listen
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "serve", "faceparse serve") from None
    settings = Settings(
        model=model,
        engine=engine,
        device=device,
        card=card,
        input_size=input_size,
        batch=batch,
        max_bytes=max_bytes,
        max_pixels=max_pixels,
        timeout=timeout,
        upload=upload,
        queue=queue,
        workers=workers,
        max_memory=max_memory,
        grace=grace,
        token=os.environ.get("FACEPARSE_TOKEN", ""),
    )
    listener = listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}"
    if not settings.token and not _is_loopback(listener.getsockname()[0]):
        say(
            f"warning: whoever reaches {address} may use it: set FACEPARSE_TOKEN to ask for a token", err=True
        )
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    Supervisor(settings, listener, tune_process).run(lambda: say(f"{address} (Ctrl-C stops it)"))


def _is_loopback(address: str) -> bool:
    from ipaddress import ip_address

    return ip_address(address.partition("%")[0]).is_loopback
