# The official SDK for Python.
import json

import openai
from checks import *

client = openai.OpenAI(base_url=BASE_URL, api_key=API_KEY)
TOOLS = [{"type": "function", "function": WEATHER}]


def create(**more):
    return client.chat.completions.create(**{"model": "demo", "messages": MESSAGES, **more})


@check
def models():
    assert any(model.id == "demo" for model in client.models.list())


@check
def whole():
    reply = create()
    assert "Paris" in reply.choices[0].message.content
    assert reply.usage.total_tokens > 0
    assert reply._request_id.startswith("req_")


@check
def stream_with_usage():
    chunks = list(create(stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "Paris" in text
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens > 0


@check
def tools():
    asked = [{"role": "user", "content": WEATHER_QUESTION}]
    message = create(messages=asked, tools=TOOLS).choices[0].message
    call = message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    result = {"role": "tool", "tool_call_id": call.id, "content": WEATHER_RESULT}
    reply = create(messages=[*asked, message.to_dict(), result], tools=TOOLS)
    assert "23" in reply.choices[0].message.content


@check
def json_object():
    reply = create(response_format={"type": "json_object"})
    assert isinstance(json.loads(reply.choices[0].message.content), dict)


@check
def image():
    assert "1 x 1" in create(messages=IMAGE_MESSAGES).choices[0].message.content


@check
def a_wrong_key_is_an_authentication_error():
    stranger = openai.OpenAI(base_url=BASE_URL, api_key="wrong")
    error = failure(lambda: stranger.chat.completions.create(model="demo", messages=MESSAGES))
    assert isinstance(error, openai.AuthenticationError) and error.code == "invalid_authorization"


@check
def an_unknown_model_is_a_bad_request_error():
    error = failure(lambda: create(model="nobody"))
    assert isinstance(error, openai.BadRequestError) and error.code == "model_not_in_allowlist"


@check
def a_refusal_is_not_tried_again():
    assert failure(lambda: create(model="refused")).status_code == 422


@check
def a_busy_model_is_tried_again():
    assert isinstance(failure(lambda: create(model="busy")), openai.RateLimitError)


@check
def a_broken_stream_is_an_error():
    error = failure(lambda: list(create(model="broken", stream=True)))
    assert isinstance(error, openai.APIError) and error.code == "upstream_interrupted"


@check
def the_helper_reads_vllm_llama_cpp_and_openrouter():
    for model in ["vllm-text", "llama-text", "openrouter-text"]:
        with client.chat.completions.stream(model=model, messages=MESSAGES) as stream:
            try:
                completion = stream.get_final_completion()
            except openai.LengthFinishReasonError as error:
                completion = error.completion
        assert len(completion.choices[0].message.content) > 3, model


def cities_called(model):
    with client.chat.completions.stream(model=model, messages=MESSAGES, tools=TOOLS) as stream:
        message = stream.get_final_completion().choices[0].message
    return [json.loads(call.function.arguments)["city"] for call in message.tool_calls]


@check
def tool_calls_of_vllm():
    assert cities_called("vllm-tools") == ["Köln"]


@check
def tool_calls_of_gemini_which_have_no_index():
    assert cities_called("gemini-tools") == ["Paris", "Rome"]
