"""The application: models, workers and routes put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Mount
from starlette.types import Scope

from photosynth.core.errors import ConfigError
from photosynth.core.version import __version__
from photosynth.serve.assets import WEB_FOLDER, Assets, docs_page, docs_script, index_page, swagger_folder
from photosynth.serve.config import MB, ServeConfig, check_config, read_api_key, worker_count
from photosynth.serve.corrections import Keeper
from photosynth.serve.guard import KEYED, Guard
from photosynth.serve.intake import Memory
from photosynth.serve.metrics import Metrics
from photosynth.serve.picture import prepare_decoders
from photosynth.serve.refusal import Refusal
from photosynth.serve.registry import Registry
from photosynth.serve.routes import router
from photosynth.serve.service import Service
from photosynth.serve.workers import Workers


def create_app(config: ServeConfig, registry: Registry) -> FastAPI:
    """The ASGI application. Its timeouts belong to `server.run`; everything else is in here.

    Raises:
        ConfigError: if the settings cannot work.
    """
    check_config(config)
    prepare_decoders()
    workers = Workers(worker_count(config), config.queue, config.answer_timeout_s)
    memory = Memory(round(config.memory_mb * MB))
    metrics = Metrics(lambda: workers.inside, lambda: memory.held, lambda: registry.swaps)
    keeper = None if config.keep is None else Keeper(config.keep, round(config.keep_max_mb * MB))
    service = Service(config, registry, workers, memory, metrics, keeper)
    api_key = read_api_key(config)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        registry.watch(config.watch_s)
        yield
        registry.close()
        workers.close()

    app = FastAPI(
        title="photosynth",
        version=__version__,
        description="Names and finds objects in pictures. Scores are calibrated probabilities.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(router(service, keyed=api_key is not None))
    _add_pages(app, registry)
    _add_errors(app)
    app.add_middleware(Guard, config=config, workers=workers, metrics=metrics, api_key=api_key)
    if config.cors:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(config.cors),
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "x-api-key", "content-type"],
            expose_headers=["retry-after"],
            max_age=86400,
        )
    return app


class PageMount(Mount):
    """The page has every path that is not the API's, where a wrong method stays a wrong method."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Never one of the API's paths."""
        return (Match.NONE, {}) if scope["path"].startswith(KEYED) else super().matches(scope)


def _add_pages(app: FastAPI, registry: Registry) -> None:
    app.add_api_route("/docs", docs_page, include_in_schema=False)
    app.add_api_route("/docs/start.js", docs_script, include_in_schema=False)
    app.mount("/docs/files", Assets(directory=swagger_folder()))
    if (WEB_FOLDER / "index.html").is_file():
        app.router.routes.append(PageMount("/", app=Assets(directory=WEB_FOLDER, html=True)))
        return

    def index(request: Request) -> Response:
        return index_page(registry, str(request.base_url))

    app.add_api_route("/", index, include_in_schema=False)


def _add_errors(app: FastAPI) -> None:
    def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return JSONResponse(error.body, error.status, error.headers)

    def wrong(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        return JSONResponse({"error": "bad_request", "message": faults}, 422)

    def routing(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        body = {"error": str(error.detail).lower().replace(" ", "_"), "message": str(error.detail)}
        return JSONResponse(body, error.status_code, error.headers)

    def gone(_: Request, error: Exception) -> Response:
        return Response(status_code=400)  # nobody is there to read it

    def unusable(_: Request, error: Exception) -> Response:
        return JSONResponse({"error": "not_a_picture", "message": str(error)}, 422)

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(RequestValidationError, wrong)
    app.add_exception_handler(HTTPException, routing)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(ConfigError, unusable)
