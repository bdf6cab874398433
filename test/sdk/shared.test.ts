import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { build } from "../../toolchain/build/index.js";
import { ask, filter, startState } from "./state.js";

before(() => build(filter));

describe("shared data", () => {
  it("keeps apart what is not there, empty and a value", async () => {
    await using proxy = await startState();
    assert.equal(await ask(proxy, "own/get", "", "k"), "1 null 0");
    assert.equal(await ask(proxy, "own/set", "", "k"), "0");
    assert.equal(await ask(proxy, "own/get", "", "k"), "0  cas");
    assert.equal(await ask(proxy, "own/set", "value", "k"), "0");
    assert.equal(await ask(proxy, "own/get", "", "k"), "0 value cas");
  });

  it("creates once, and writes by number only what has not changed", async () => {
    await using proxy = await startState();
    assert.equal(await ask(proxy, "own/create", "a", "k"), "0");
    assert.equal(await ask(proxy, "own/create", "b", "k"), "8");
    assert.equal(await ask(proxy, "own/get", "", "k"), "0 a cas");
    // A number that is not the value's, and 0, which the host would take for "in any case".
    assert.equal(await ask(proxy, "own/setIf", "999999", "k"), "8 2");
    assert.equal(await ask(proxy, "own/get", "", "k"), "0 a cas");
  });

  it("of many that create at once on four threads, one does", async () => {
    await using proxy = await startState({ concurrency: 4 });
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(
        Array.from({ length: 16 }, (_, i) => ask(proxy, "own/create", `${i}`, `k${round}`)),
      );
      assert.deepEqual(answers.sort(), ["0", ...Array<string>(15).fill("8")]);
    }
  });

  it("loses no update of four threads", async () => {
    await using proxy = await startState({ concurrency: 4 });
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask(proxy, "own/add", "", "total")));
    assert.deepEqual(new Set(answers.map((answer) => answer.split(" ")[0])), new Set(["0"]));
    assert.equal(await ask(proxy, "own/get", "", "total"), "0 200 cas");
  });

  it("gives an update up after so many tries, and leaves what it is told to leave", async () => {
    await using proxy = await startState();
    assert.equal(await ask(proxy, "own/meddle"), "8 5");
    assert.equal(await ask(proxy, "own/get", "", "meddled"), "0 5 cas");
    assert.equal(await ask(proxy, "own/nothing", "", "absent"), "0");
    assert.equal(await ask(proxy, "own/get", "", "absent"), "1 null 0");
  });

  it("takes another writer's bytes for what they are", async () => {
    await using proxy = await startState();
    for (const bytes of ["\xff\xfe", "not a number", "9".repeat(400), "x".repeat(50_000)]) {
      await ask(proxy, "own/set", bytes, "n");
      assert.equal(await ask(proxy, "own/add", "", "n"), "0 1");
    }
    assert.equal(await ask(proxy, "own/get", "", "n"), "0 1 cas");
  });

  it("has a namespace for each plugin, one for each filter and version, and none on demand", async () => {
    await using proxy = await startState({
      name: "first",
      plugins: [
        { filter, name: "second" },
        { filter, name: "apart", vmId: "other" },
      ],
    });
    const get = (scope: string, plugin: string) => ask(proxy, `${scope}/get`, "", "k", plugin);
    for (const scope of ["own", "filter", "raw"]) await ask(proxy, `${scope}/set`, scope, "k", "first");
    for (const scope of ["own", "filter", "raw"]) assert.equal(await get(scope, "first"), `0 ${scope} cas`);
    assert.equal(await get("own", "second"), "1 null 0");
    assert.equal(await get("filter", "second"), "0 filter cas");
    assert.equal(await get("raw", "second"), "0 raw cas");
    assert.equal(await ask(proxy, "version2", "", "k", "first"), "1 null 0");
    for (const scope of ["own", "filter", "raw"]) assert.equal(await get(scope, "apart"), "1 null 0");
  });
});
