"""FastAPI + Celery + Redis, the web side: a job is in Redis before it is answered 202."""

from typing import Optional

from celery.result import AsyncResult
from fastapi import FastAPI
from pydantic import BaseModel, Field
from tasks import celery, generate

app = FastAPI()


class Ask(BaseModel):
    model: str
    prompt: str = Field(max_length=2000)
    width: Optional[int] = Field(None, ge=256, le=4096)
    height: Optional[int] = Field(None, ge=256, le=4096)


SHOWN = {
    "PENDING": "queued",
    "RECEIVED": "queued",
    "RETRY": "queued",
    "STARTED": "processing",
    "SUCCESS": "completed",
    "FAILURE": "failed",
    "REVOKED": "canceled",
}


@app.post("/generate", status_code=202)
async def submit(ask: Ask):
    job = generate.delay(ask.dict())
    return {
        "success": True,
        "jobId": job.id,
        "status": "queued",
        "statusUrl": f"/generate/{job.id}",
    }


@app.get("/generate/{job}")
async def status(job: str):
    result = AsyncResult(job, app=celery)
    state = result.state
    return {
        "jobId": job,
        "status": SHOWN.get(state, "processing"),
        "result": result.result if state == "SUCCESS" else None,
    }
