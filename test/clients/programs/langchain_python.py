# LangChain for Python.
from checks import *
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI


def chat(model, **more):
    return ChatOpenAI(model=model, base_url=BASE_URL, api_key=API_KEY, **more)


def streamed(model, asked):
    whole = None
    for chunk in model.stream(asked):
        whole = chunk if whole is None else whole + chunk
    return whole


demo = chat("demo")
TOOLS = [{"type": "function", "function": WEATHER}]


@check
def whole():
    reply = demo.invoke(QUESTION)
    assert "Paris" in reply.content and reply.usage_metadata["total_tokens"] > 0


@check
def stream_with_usage():
    reply = streamed(chat("demo", stream_usage=True), QUESTION)
    assert "Paris" in reply.content and reply.usage_metadata["output_tokens"] > 0


@check
def tools_whole_and_streamed():
    armed = demo.bind_tools(TOOLS)
    asked = [HumanMessage(WEATHER_QUESTION)]
    for called in [armed.invoke(asked), streamed(armed, asked)]:
        assert called.tool_calls[0]["args"] == {"city": "Paris"}
        result = ToolMessage(WEATHER_RESULT, tool_call_id=called.tool_calls[0]["id"])
        assert "23" in armed.invoke([*asked, called, result]).content


@check
def json_by_schema():
    schema = {
        "title": "capital",
        "description": "The capital",
        "type": "object",
        "properties": {"capital": {"type": "string"}},
        "required": ["capital"],
        "additionalProperties": False,
    }
    for method in ["json_schema", "function_calling"]:
        reply = demo.with_structured_output(schema, method=method).invoke(QUESTION)
        assert list(reply) == ["capital"], method


@check
def image():
    assert "1 x 1" in demo.invoke(IMAGE_MESSAGES).content


@check
def an_unknown_model_is_a_400():
    assert failure(lambda: chat("nobody").invoke(QUESTION)).status_code == 400


@check
def a_refusal_is_not_tried_again():
    assert failure(lambda: chat("refused").invoke(QUESTION)).status_code == 422


@check
def a_busy_model_is_tried_again():
    assert failure(lambda: chat("busy").invoke(QUESTION)).status_code == 429


@check
def a_broken_stream_is_an_error():
    assert "stopped before its answer" in str(failure(lambda: streamed(chat("broken"), QUESTION)))


@check
def tool_calls_of_vllm_and_of_gemini_which_have_no_index():
    for name, cities in [("vllm-tools", ["Köln"]), ("gemini-tools", ["Paris", "Rome"])]:
        reply = streamed(chat(name).bind_tools(TOOLS), QUESTION)
        assert [call["args"]["city"] for call in reply.tool_calls] == cities, name
