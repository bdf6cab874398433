import type net from "node:net";
import { randomInt } from "node:crypto";
import { EnvoyError } from "./errors.js";

/** Below what kernels give out by themselves: a port that we leave for a while is not somebody else's meanwhile. */
const FROM = 20_000;
const TO = 32_000;
const TRIES = 200;

/** Opens the server on a free loopback port that stays ours, as far as can be, when the server closes for a while. */
export async function listenApart(server: net.Server): Promise<number> {
  for (let i = 0; i < TRIES; i++) {
    const port = randomInt(FROM, TO);
    try {
      await listenOn(server, port);
      return port;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EADDRINUSE" && code !== "EACCES") throw error;
    }
  }
  throw new EnvoyError(`${TRIES} ports from ${FROM} to ${TO} are taken on 127.0.0.1; end what uses them.`);
}

export function listenOn(server: net.Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      server.off("error", reject);
      server.unref();
      resolve();
    });
  });
}

export function stopListening(server: net.Server): Promise<void> {
  return new Promise((resolve) => {
    if (server.listening) server.close(() => resolve());
    else resolve();
  });
}
