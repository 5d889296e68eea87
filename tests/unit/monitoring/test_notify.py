"""Alerts arrive, once, without secrets, and a failed delivery never breaks the caller."""

import asyncio
import email
import logging
import socket
from datetime import datetime
from email import policy

import pytest
from pydantic import SecretStr

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.monitoring.notify import Alert, Notifier, redacted
from tests.unit.monitoring.receivers import mail_server, webhook

FAST = VirtualClock(datetime(2024, 5, 8, 19, 0, tzinfo=JST), rate_scale=50.0)
ALERT = Alert("freshness", "core_jquants__daily_bars 2024-05-08", "2 sessions behind")


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def test_a_webhook_receives_text():
    with webhook() as (url, received):
        delivery = Notifier(SecretStr(url), clock=FAST).send_now(ALERT)
    assert delivery.ok
    assert received[0][1] == {"text": "[freshness] core_jquants__daily_bars 2024-05-08: 2 sessions behind"}


def test_a_mail_arrives_with_subject_and_text_in_any_language():
    with mail_server() as (place, messages):
        notifier = Notifier(smtp_url=f"smtp://me:pass%40word@{place}", email="desk@example.com", clock=FAST)
        assert notifier.send_now(Alert("gate", "apex_ranker", "昇格しました")).ok
    message = email.message_from_string(messages[0], policy=policy.default)
    assert message["To"] == "desk@example.com"
    assert message["Subject"] == "[gate] apex_ranker"
    assert "昇格しました" in message.get_content()


def test_two_failures_are_retried_and_three_are_reported_not_raised():
    with webhook(statuses=(500, 503)) as (url, received):
        assert Notifier(url, clock=FAST).send_now(ALERT).ok
    assert len(received) == 3
    with webhook(statuses=(500, 500, 500)) as (url, received):
        delivery = Notifier(url, clock=FAST).send_now(ALERT)
    assert len(received) == 3
    assert not delivery.ok
    assert "status 500" in delivery.words


def test_mail_is_retried_too():
    with mail_server(refuse_first=2) as (place, messages):
        assert Notifier(smtp_url=f"smtp://{place}", email="desk@example.com", clock=FAST).send_now(ALERT).ok
    assert len(messages) == 1


def test_nobody_listening_is_reported_not_raised():
    port = free_port()
    notifier = Notifier(f"http://127.0.0.1:{port}/x", f"smtp://127.0.0.1:{port}", "desk@example.com", clock=FAST)
    delivery = notifier.send_now(ALERT)
    assert not delivery.ok
    assert delivery.words.count("failed") == 2


def test_a_slow_receiver_is_given_up():
    with webhook(delay=0.4) as (url, _):
        delivery = Notifier(url, clock=FAST, timeout_seconds=0.1).send_now(ALERT)
    assert not delivery.ok
    assert "no answer within" in delivery.words


def test_a_redirect_is_not_followed():
    with webhook(statuses=(302, 302, 302)) as (url, received):
        delivery = Notifier(url, clock=FAST).send_now(ALERT)
    assert "status 302" in delivery.words
    assert all(path.startswith("/hooks/") for path, _ in received)


def test_the_same_alert_is_delivered_once_and_only_where_it_is_missing():
    with webhook() as (url, received), mail_server(refuse_first=3) as (place, messages):
        notifier = Notifier(url, f"smtp://{place}", "desk@example.com", clock=FAST)
        assert not notifier.send_now(ALERT).ok
        second = notifier.send_now(ALERT)
        assert second.ok
        assert "webhook" not in second.words
        third = notifier.send_now(ALERT)
        assert third.is_repeat
        assert notifier.send_now(Alert("freshness", "another", "x")).ok
    assert len(received) == 2
    assert len(messages) == 2


def test_an_undelivered_alert_is_tried_again_next_time():
    with webhook(statuses=(500, 500, 500)) as (url, received):
        notifier = Notifier(url, clock=FAST)
        assert not notifier.send_now(ALERT).ok
        assert notifier.send_now(ALERT).ok
    assert len(received) == 4


def test_no_secret_leaves_the_house_by_text_words_logs_or_repr(caplog):
    caplog.set_level(logging.DEBUG)
    with webhook(statuses=(500, 500, 500)) as (url, received), mail_server(refuse_first=3) as (place, _):
        notifier = Notifier(
            SecretStr(url), SecretStr(f"smtp://me:MAILSECRET@{place}"), "desk@example.com",
            secrets=(SecretStr("KEYSECRET"),), clock=FAST,
        )  # fmt: skip
        text = f"failed at {url} with KEYSECRET; see https://u:pw@host.example/p?apikey=QUERYSECRET#frag MAILSECRET"
        delivery = notifier.send_now(Alert("run", "job", text))
    shown = " ".join([repr(notifier), delivery.words, caplog.text, str(received[0][1])])
    for secret in ("T0PSECRET", "QUERYSECRET", "MAILSECRET", "KEYSECRET", "u:pw"):
        assert secret not in shown
    assert "https://host.example/p" in shown


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("GET https://api.jquants.com/v2/x?date=1&key=s failed", "GET https://api.jquants.com/v2/x failed"),
        ("smtp://a:b@mail:25", "smtp://mail:25"),
        ("nothing here? really", "nothing here? really"),
    ],
)
def test_urls_lose_their_credentials_and_queries(text, want):
    assert redacted(text) == want


def test_without_a_channel_the_alert_is_logged(caplog):
    caplog.set_level(logging.WARNING)
    delivery = Notifier().send_now(ALERT)
    assert delivery.ok
    assert "no channel" in delivery.words
    assert "2 sessions behind" in caplog.text


def test_send_works_inside_a_running_loop():
    async def evening():
        with webhook() as (url, _):
            return await Notifier(url, clock=FAST).send(ALERT)

    assert asyncio.run(evening()).ok


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"webhook_url": "http://hooks.example.com/SECRETPATH"}, "plain http"),
        ({"webhook_url": "ftp://SECRETPATH"}, "another form"),
        ({"smtp_url": "smtp://me:SECRETPATH@mail.example.com"}, "no receiver"),
        ({"smtp_url": "mail.example.com:SECRETPATH", "email": "a@b.c"}, "another form"),
    ],
)
def test_addresses_that_cannot_work_are_refused_without_repeating_them(arguments, words):
    with pytest.raises(ConfigError, match=words) as problem:
        Notifier(**arguments)
    assert "SECRETPATH" not in str(problem.value)
