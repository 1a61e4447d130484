# What the Python programs share: checks with names, a line of JSON for each, and where the gateway is.
import json
import os
import traceback

BASE_URL = os.environ["BASE_URL"]
API_KEY = os.environ["API_KEY"]

QUESTION = "What is the capital of France?"
WEATHER_QUESTION = "What is the weather in Paris?"
MESSAGES = [{"role": "user", "content": QUESTION}]
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
WEATHER_RESULT = '{"city":"Paris","celsius":23}'
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
IMAGE_MESSAGES = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is in this picture?"},
            {"type": "image_url", "image_url": {"url": PICTURE}},
        ],
    }
]


def check(run):
    name = run.__name__.replace("_", " ")
    try:
        run()
        print(json.dumps({"name": name, "ok": True}), flush=True)
    except Exception:
        why = traceback.format_exc()[-1500:]
        print(json.dumps({"name": name, "ok": False, "why": why}), flush=True)
    return run


def failure(run):
    """What `run` raises; that it raises at all is asserted."""
    try:
        run()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")
