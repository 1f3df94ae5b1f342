"""The pages of labels and questions; a person answers a question here."""

from aiohttp import web
from markupsafe import Markup

from sandbox.app.questions import Question
from sandbox.app.system import OrderApp
from sandbox.clock import Clock
from sandbox.pages.forms import is_own_form, read_form
from sandbox.pages.html import (
    build_url,
    markup,
    render_live_link,
    render_not_found,
    render_page,
    render_state,
    render_table,
)

LABELS = """
<p><a href="/app/">Orders</a> · <a href="/app/questions/">Questions</a></p>
<div class="title"><h1>Shipping labels</h1>$live</div>
<p class="about">The hub orders them with its action <code>create_label</code>.</p>
$table
"""
QUESTIONS = """
<p><a href="/app/">Orders</a> · <a href="/app/labels/">Shipping labels</a></p>
<div class="title"><h1>Questions</h1>$live</div>
<p class="about">The hub forwards them with its action <code>submit_question</code>; it posts the
answers in their thread.</p>
$questions
"""
QUESTION = """
<article class="caught" id="$number"><header><strong>$number</strong> $tenant $state</header>
<p>$text</p>$answers
<form method="post" action="$url" class="search"><label class="hidden" for="a$number">Answer</label>
<input id="a$number" name="text" required autocomplete="off" placeholder="Answer">
<button>Answer</button></form></article>
"""
ANSWER = "<p><small>$at</small> $text $state</p>"
SHOWN = 50


class RequestPages:
    def __init__(self, app: OrderApp, clock: Clock):
        self._app = app
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/app/labels/", self.labels),
            web.get("/app/questions/", self.questions),
            web.post("/app/questions/{number}/answer", self.answer),
        ]

    async def labels(self, request: web.Request) -> web.Response:
        rows = (
            (
                label["number"],
                label["created_at"],
                label["tenant"],
                label["order"],
                label["recipient"],
                label["address"],
            )
            for label in reversed(self._app.hub_requests.labels.all()[-SHOWN:])
        )
        heads = ("Label", "Created", "Tenant", "Order", "Recipient", "Address")
        table = render_table(heads, rows, caption="Labels", empty="No labels yet.")
        body = markup(LABELS, live=render_live_link(request), table=table)
        return render_page(request, "Shipping labels", body, system="app")

    async def questions(self, request: web.Request) -> web.Response:
        questions = self._app.hub_requests.questions.all()[-SHOWN:]
        rendered = [render_question(one) for one in reversed(questions)]
        body = markup(
            QUESTIONS,
            live=render_live_link(request),
            questions=rendered or markup('<p class="empty">No questions yet.</p>'),
        )
        return render_page(request, "Questions", body, system="app")

    async def answer(self, request: web.Request) -> web.Response:
        """`text` is posted by the hub in the thread of the question."""
        number = request.match_info["number"]
        text = (await read_form(request)).get("text", "").strip()
        question = self._app.hub_requests.questions.find(number)
        if question is None or not text or not is_own_form(request):
            return render_not_found(request, "No such question.", system="app")
        await self._app.hub_requests.answer(number, text, self._clock())
        location = build_url("app", "questions", "") + f"#{number}"
        return web.Response(status=303, headers={"Location": location})


def render_question(question: Question) -> Markup:
    answers = [
        markup(ANSWER, at=answer["at"], text=answer["text"], state=state_of(answer["status"]))
        for answer in question["answers"]
    ]
    return markup(
        QUESTION,
        number=question["number"],
        tenant=question["tenant"],
        state=None if answers else render_state("quiet", "not answered yet"),
        text=question["text"],
        answers=answers,
        url=build_url("app", "questions", question["number"], "answer"),
    )


def state_of(status: int) -> Markup:
    if 200 <= status < 300:
        return render_state("good", f"the hub responded with {status}")
    text = f"the hub responded with {status}" if status else "the hub did not respond"
    return render_state("bad", text)
