// The gateway, as this storefront needs it. Only the server loads this file: the key is a secret.

import { setTimeout as sleep } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./gateway-api.js";

type Schemas = components["schemas"];
export type SignUp = Schemas["RegistrationForm"];
export type FieldError = Schemas["FieldError"];
type Registration = Schemas["Registration"];
type Problem = Schemas["Problem"];

export type Result =
  | { kind: "registered"; memberNumber: string | null }
  | { kind: "waiting"; id: string; seconds: number } // kept by the gateway, and goes on by itself
  | { kind: "already-registered" }
  | { kind: "wrong"; errors: FieldError[] }
  | { kind: "later"; seconds: number } // nothing was kept
  | { kind: "given-up" } // it was kept, and came to nothing: the customer has to sign up again
  | { kind: "unknown" }; // there is no such registration

const TRIES = 3;
const LONGEST_WAIT = 5; // seconds that a visitor waits for another try

export class Gateway {
  private readonly client;

  constructor(url: string, key: string) {
    this.client = createClient<paths>({
      baseUrl: url,
      headers: { Authorization: `Bearer ${key}` },
    });
  }

  // Tries again while that may help, always with the same key: so the customer is made once,
  // whatever became of an answer that was lost. At last the gateway is asked to keep the sign-up.
  async register(body: SignUp, idempotencyKey: string, visitor: string): Promise<Result> {
    let seconds = 1;
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const result = await this.tryOnce(body, idempotencyKey, visitor, attempt === TRIES);
      if (result.kind !== "later" || attempt === TRIES) return result;
      seconds = Math.min(result.seconds, LONGEST_WAIT);
      await sleep(seconds * 1000);
    }
    return { kind: "later", seconds };
  }

  // What became of one that was answered 202.
  async look(id: string): Promise<Result> {
    try {
      const { data, error, response } = await this.client.GET("/v1/registrations/{id}", {
        params: { path: { id } },
        signal: AbortSignal.timeout(15_000),
      });
      if (data !== undefined) return standing(data, response);
      return response.status === 404 ? { kind: "unknown" } : refusal(error, response);
    } catch {
      return { kind: "later", seconds: 5 };
    }
  }

  private async tryOnce(
    body: SignUp,
    idempotencyKey: string,
    visitor: string,
    keepIt: boolean,
  ): Promise<Result> {
    try {
      const { data, error, response } = await this.client.POST("/v1/registrations", {
        params: {
          header: {
            "Idempotency-Key": idempotencyKey,
            "X-Client-Address": visitor,
            ...(keepIt ? { Prefer: "respond-async" } : {}),
          },
        },
        body,
        signal: AbortSignal.timeout(15_000), // the gateway answers within 10
      });
      return data !== undefined ? standing(data, response) : refusal(error, response);
    } catch {
      return { kind: "later", seconds: 1 }; // the gateway cannot be reached, or the answer is lost
    }
  }
}

function standing(told: Registration | Schemas["Valid"], response: Response): Result {
  switch (told.status) {
    case "valid": // of `?validate=true`, which is not asked here
      throw new Error("this was only checked");
    case "complete":
    case "partial": // what a channel does not have yet, the gateway sends by itself
      return { kind: "registered", memberNumber: told.member_number };
    case "accepted":
      return { kind: "waiting", id: told.id, seconds: retryAfter(response, 2) };
    case "rejected":
      return rejection(told.problem);
  }
}

// Of a sign-up that was kept: nothing is left to wait for.
function rejection(problem: Problem | undefined): Result {
  if (problem?.type === "already-registered") return { kind: "already-registered" };
  if (problem?.type === "invalid-data") return { kind: "wrong", errors: problem.errors ?? [] };
  return { kind: "given-up" };
}

function refusal(problem: Problem | undefined, response: Response): Result {
  switch (problem?.type) {
    case "already-registered":
      return { kind: "already-registered" };
    case "invalid-data":
      return { kind: "wrong", errors: problem.errors ?? [] };
    case "in-progress":
    case "too-many-requests":
    case "shopify-unavailable":
    case "standby":
    case "storage-unavailable":
    case "too-many-connections":
    case "too-many-waiting":
    case "another-shop":
      return { kind: "later", seconds: retryAfter(response, 5) };
    default: // 400, 401, 403, 413, 415, 500: a mistake of the storefront's or the operator's
      console.error(
        `the gateway answered ${response.status} ${problem?.type ?? ""},`,
        `request ${response.headers.get("X-Request-Id") ?? "unknown"}`,
      );
      return { kind: "later", seconds: 60 };
  }
}

function retryAfter(response: Response, otherwise: number): number {
  const seconds = Number(response.headers.get("Retry-After"));
  return seconds > 0 ? seconds : otherwise;
}
