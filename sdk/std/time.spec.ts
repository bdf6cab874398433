import { refusalAt } from "./refusal";
import { Slice } from "./slice";
import {
  formatDuration,
  formatHttpDate,
  formatProtoDuration,
  INVALID_TIME,
  parseDurationText,
  parseHttpDateText,
  parseProtoDuration,
  Timestamp,
} from "./time";

/** 2026-01-01T00:00:00Z */
const NOW: i64 = 1767225600;

function seconds(text: string): i64 {
  const time = Timestamp.parseText(text);
  return time ? time.seconds : INVALID_TIME;
}

function again(text: string): string {
  const time = Timestamp.parseText(text);
  return time ? time.toString() : "";
}

function proto(text: string): i64 {
  const bytes = Slice.of(text);
  return parseProtoDuration(bytes.ptr, bytes.length);
}

describe("RFC 3339", () => {
  it("reads the examples of section 5.8", () => {
    expect(again("1985-04-12T23:20:50.52Z")).toBe("1985-04-12T23:20:50.520Z");
    expect(again("1996-12-19T16:39:57-08:00")).toBe("1996-12-20T00:39:57Z");
    expect(again("1990-12-31T23:59:60Z")).toBe("1991-01-01T00:00:00Z");
    expect(again("1990-12-31T15:59:60-08:00")).toBe("1991-01-01T00:00:00Z");
    expect(again("1937-01-01T12:00:27.87+00:20")).toBe("1937-01-01T11:40:27.870Z");
  });

  it("reads the ends of its range", () => {
    expect(seconds("0000-01-01T00:00:00Z")).toBe(-62167219200);
    expect(seconds("9999-12-31T23:59:59Z")).toBe(253402300799);
    expect(seconds("1970-01-01T00:00:00z")).toBe(0);
    expect(new Timestamp(253402300800).toString()).toBe("");
    expect(again("2000-02-29t00:00:00.123456789012Z")).toBe("2000-02-29T00:00:00.123456789Z");
  });

  it("refuses what is nearly one", () => {
    const bad = [
      "",
      "2026-03-04",
      "2026-03-04 05:06:07Z",
      "2026-03-04T05:06:07",
      "2026-02-29T00:00:00Z",
      "1900-02-29T00:00:00Z",
      "2026-13-01T00:00:00Z",
      "2026-04-31T00:00:00Z",
      "2026-03-04T24:00:00Z",
      "2026-03-04T05:60:00Z",
      "2026-03-04T23:59:60Z",
      "2026-03-04T05:06:07.Z",
      "2026-03-04T05:06:07,5Z",
      "2026-03-04T05:06:07+24:00",
      "2026-03-04T05:06:07+0100",
      "2026-03-04T05:06:07Z ",
    ];
    for (let i = 0; i < bad.length; i++) expect(seconds(bad[i])).toBe(INVALID_TIME, bad[i]);
    seconds("2026-03-04T05:06:07Z ");
    expect(refusalAt).toBe(20);
  });

  it("has nanoseconds", () => {
    const time = Timestamp.ofNanos(-1);
    expect(time.seconds).toBe(-1);
    expect(time.nanos).toBe(999999999);
    expect(time.unixNanos).toBe(-1);
    expect(time.toString()).toBe("1969-12-31T23:59:59.999999999Z");
    expect(new Timestamp(NOW, 1000).toString()).toBe("2026-01-01T00:00:00.000001Z");
    expect(new Timestamp(253402300799).unixNanos).toBe(INVALID_TIME);
  });
});

describe("HTTP dates", () => {
  it("reads all three forms", () => {
    expect(parseHttpDateText("Sun, 06 Nov 1994 08:49:37 GMT", NOW)).toBe(784111777);
    expect(parseHttpDateText("Sunday, 06-Nov-94 08:49:37 GMT", NOW)).toBe(784111777);
    expect(parseHttpDateText("Sun Nov  6 08:49:37 1994", NOW)).toBe(784111777);
    expect(parseHttpDateText("Sun Nov 16 08:49:37 1994", NOW)).toBe(784111777 + 864000);
    expect(parseHttpDateText("Wednesday, 31-Dec-25 23:59:60 GMT", NOW)).toBe(NOW);
  });

  it("takes a year of two digits for a time not more than 50 years ahead", () => {
    expect(parseHttpDateText("Sunday, 01-Jan-76 00:00:00 GMT", NOW)).toBe(NOW + 1577836800);
    expect(parseHttpDateText("Sunday, 01-Jan-76 00:00:01 GMT", NOW)).toBe(189302401);
    expect(parseHttpDateText("Sunday, 01-Jan-77 00:00:00 GMT", NOW)).toBe(220924800);
  });

  it("refuses what is nearly one", () => {
    const bad = [
      "",
      "Sun, 6 Nov 1994 08:49:37 GMT",
      "sun, 06 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 08:49:37 UTC",
      "Sun, 06 Nov 1994 12:00:60 GMT",
      "Sun, 31 Feb 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994  8:49:37 GMT",
      "Sund, 06-Nov-94 08:49:37 GMT",
      "Sunday , 06-Nov-94 08:49:37 GMT",
      "Sunday   , 06-Nov-94 08:49:37 GMT",
      "Sunday, 06-Nov-94 08:49:37 UTC",
      "Sunday, 06-Nov-x4 08:49:37 GMT",
      "Sun Nov   08:49:37 1994",
      "1994-11-06T08:49:37Z",
    ];
    for (let i = 0; i < bad.length; i++) expect(parseHttpDateText(bad[i], NOW)).toBe(INVALID_TIME, bad[i]);
  });

  it("writes the first form", () => {
    expect(formatHttpDate(784111777)).toBe("Sun, 06 Nov 1994 08:49:37 GMT");
    expect(formatHttpDate(-62167219200)).toBe("Sat, 01 Jan 0000 00:00:00 GMT");
    expect(formatHttpDate(253402300800)).toBe("");
    expect(formatHttpDate(i64.MIN_VALUE)).toBe("");
  });
});

describe("durations", () => {
  it("reads Go's", () => {
    expect(parseDurationText("250ms")).toBe(250000000);
    expect(parseDurationText("1h30m")).toBe(5400000000000);
    expect(parseDurationText("-1.5h")).toBe(-5400000000000);
    expect(parseDurationText("+.5s")).toBe(500000000);
    expect(parseDurationText("1\u00b5s1us")).toBe(2000);
    expect(parseDurationText("0")).toBe(0);
    expect(parseDurationText("9223372036854775807ns")).toBe(i64.MAX_VALUE);
  });

  it("refuses what is nearly one", () => {
    const bad = [
      "",
      "-",
      "1",
      "s",
      ".s",
      "1 s",
      "1d",
      "1s ",
      "1e3s",
      "9223372036854775808ns",
      "-9223372036854775808ns",
      "1h-1m",
    ];
    for (let i = 0; i < bad.length; i++) expect(parseDurationText(bad[i])).toBe(INVALID_TIME, bad[i]);
    parseDurationText("1h5x");
    expect(refusalAt).toBe(3);
  });

  it("writes Go's", () => {
    expect(formatDuration(0)).toBe("0s");
    expect(formatDuration(5400000000000)).toBe("1h30m0s");
    expect(formatDuration(1500000)).toBe("1.5ms");
    expect(formatDuration(-1100)).toBe("-1.1\u00b5s");
    expect(formatDuration(60500000000)).toBe("1m0.5s");
    expect(formatDuration(i64.MIN_VALUE)).toBe("-2562047h47m16.854775808s");
  });

  it("reads and writes protobuf's", () => {
    expect(proto("1.5s")).toBe(1500000000);
    expect(proto("-0.000000001s")).toBe(-1);
    expect(proto("9223372036.854775807s")).toBe(i64.MAX_VALUE);
    const bad = [
      "",
      "s",
      "1",
      ".5s",
      "1.s",
      "1.0000000001s",
      "+1s",
      "1.5ms",
      "9223372036.854775808s",
      "99999999999999999999s",
    ];
    for (let i = 0; i < bad.length; i++) expect(proto(bad[i])).toBe(INVALID_TIME, bad[i]);
    expect(formatProtoDuration(1500000000)).toBe("1.500s");
    expect(formatProtoDuration(-1)).toBe("-0.000000001s");
    expect(formatProtoDuration(0)).toBe("0s");
  });
});
