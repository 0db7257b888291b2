"""The stack that chisme grew out of, as one would write it for an exercise: a Flask page that takes uploads, a balancer
that redirects, and a WebSocket server that sends files. tests/bench/exercise.py measures chisme beside it.

    tests/bench/exercise_stack.py http PORT DIRECTORY      Flask's development server: POST /upload, GET /redirect
    tests/bench/exercise_stack.py websocket PORT DIRECTORY   the name comes in, the file goes out in messages of 1 MiB
"""
import asyncio
import logging
import pathlib
import sys

MESSAGE = 1 << 20


def serve_http(port, directory):
    import flask
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = flask.Flask(__name__)

    @app.post("/upload")
    def upload():
        file = flask.request.files["file"]
        file.save(directory / pathlib.Path(file.filename).name)
        return "stored"

    @app.get("/redirect")
    def redirect():
        return flask.redirect("http://127.0.0.1:1/" + flask.request.args["file"], 307)
    app.run("127.0.0.1", port, threaded=True)


async def serve_websocket(port, directory):
    import websockets

    async def send(socket):
        name = pathlib.Path(await socket.recv()).name
        with (directory / name).open("rb") as file:
            while block := file.read(MESSAGE):
                await socket.send(block)
    async with websockets.serve(send, "127.0.0.1", port, compression=None):
        await asyncio.Future()


if __name__ == "__main__":
    kind, where, place = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
    if kind == "http":
        serve_http(where, place)
    else:
        asyncio.run(serve_websocket(where, place))
