/* Loaded by `meshwasm test` before each test file: a test of node:test that fails shows its last exchange. */

import { afterEach, beforeEach, type TestContext } from "node:test";
import { AssertionError } from "node:assert";
import { lastExchange } from "./exchange.js";

/** What node:test knows of a test in its hooks; its types are older. */
interface Ended extends TestContext {
  readonly error?: { readonly cause?: unknown } | null;
}

// The runner itself loads this too, and has no tests of its own.
if (process.env["NODE_TEST_CONTEXT"] !== undefined) {
  beforeEach(() => lastExchange.take());
  afterEach((context) => {
    const exchange = lastExchange.take();
    const error = (context as Ended).error?.cause;
    if (exchange === null || !(error instanceof AssertionError)) return;
    const text = exchange.toString();
    if (error.message.includes(text)) return;
    const { message, stack } = error;
    error.message = `${message}\n\n${text}`;
    // The reporters print the stack, which begins with the message as it was.
    if (stack !== undefined) error.stack = stack.replace(message, () => error.message);
  });
}
