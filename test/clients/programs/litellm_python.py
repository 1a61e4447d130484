# LiteLLM as a library, by its provider for compatible servers.
import json

import litellm
from checks import *

TOOLS = [{"type": "function", "function": WEATHER}]


def create(model="demo", **more):
    asked = {"messages": MESSAGES, "api_base": BASE_URL, "api_key": API_KEY, **more}
    return litellm.completion(model=f"openai/{model}", **asked)


def streamed(**more):
    return litellm.stream_chunk_builder(list(create(stream=True, **more)), messages=MESSAGES)


@check
def whole():
    reply = create()
    assert "Paris" in reply.choices[0].message.content and reply.usage.total_tokens > 0


@check
def stream_with_usage():
    chunks = list(create(stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "Paris" in text
    assert any(getattr(chunk, "usage", None) for chunk in chunks)


@check
def tools():
    asked = [{"role": "user", "content": WEATHER_QUESTION}]
    for called in [create(messages=asked, tools=TOOLS), streamed(messages=asked, tools=TOOLS)]:
        message = called.choices[0].message
        call = message.tool_calls[0]
        assert json.loads(call.function.arguments) == {"city": "Paris"}
        result = {"role": "tool", "tool_call_id": call.id, "content": WEATHER_RESULT}
        reply = create(messages=[*asked, message.model_dump(), result], tools=TOOLS)
        assert "23" in reply.choices[0].message.content


@check
def json_object():
    reply = create(response_format={"type": "json_object"})
    assert isinstance(json.loads(reply.choices[0].message.content), dict)


@check
def image():
    assert "1 x 1" in create(messages=IMAGE_MESSAGES).choices[0].message.content


@check
def an_unknown_model_is_a_bad_request_error():
    error = failure(lambda: create("nobody"))
    assert isinstance(error, litellm.BadRequestError)


@check
def a_refusal_is_not_tried_again():
    assert failure(lambda: create("refused")).status_code == 422


@check
def a_busy_model_is_tried_again():
    assert isinstance(failure(lambda: create("busy")), litellm.RateLimitError)


@check
def a_broken_stream_is_an_error():
    error = failure(lambda: list(create("broken", stream=True)))
    assert "stopped before its answer" in str(error)


@check
def tool_calls_of_vllm_and_of_gemini_which_have_no_index():
    for model, cities in [("vllm-tools", ["Köln"]), ("gemini-tools", ["Paris", "Rome"])]:
        calls = streamed(model=model, tools=TOOLS).choices[0].message.tool_calls
        assert [json.loads(call.function.arguments)["city"] for call in calls] == cities, model
