"""FastAPI + Celery + Redis: the task, and where it is kept. REDIS_URL names the Redis."""

import os

from celery import Celery

celery = Celery("tasks", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])


@celery.task
def generate(body):
    return {"url": "none"}
