/* Times and durations by regular expressions and Date, as the RFCs and protobuf's JSON define them. */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Seconds since 1970 of a date and time that exists, else null; second 60 is the first of the next minute. */
function secondsOf(year: number, month: number, day: number, clock: string): number | null {
  const [hour, minute, second] = clock.split(":").map(Number) as [number, number, number];
  if (hour > 23 || minute > 59 || second > 60) return null;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  return date.getTime() / 1000 + hour * 3600 + minute * 60 + second;
}

/** RFC 3339, section 5.6; second 60 only at the end of a month in UTC (section 5.7). */
export function rfc3339(text: string): string | null {
  const match =
    /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/.exec(text) ?? null;
  if (!match) return null;
  const [, year, month, day, clock, fraction = "", sign, hours = "0", minutes = "0"] = match;
  const local = secondsOf(Number(year), Number(month), Number(day), clock!);
  if (local === null || Number(hours) > 23 || Number(minutes) > 59) return null;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60;
  const seconds = local - (sign === "-" ? -offset : offset);
  if (clock!.endsWith(":60")) {
    const date = new Date(seconds * 1000);
    if (date.getUTCDate() !== 1 || seconds % 86400 !== 0) return null;
  }
  return `${seconds} ${Number(fraction.slice(0, 9).padEnd(9, "0"))}`;
}

/** RFC 9110, section 5.6.7, with its rule for years of two digits. */
export function httpDate(text: string, now: number): number | null {
  const day = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
  const long = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)";
  const month = `(${MONTHS.join("|")})`;
  const clock = "(\\d\\d:\\d\\d:\\d\\d)";
  const imf = new RegExp(`^${day}, (\\d\\d) ${month} (\\d{4}) ${clock} GMT$`).exec(text);
  const rfc850 = new RegExp(`^${long}, (\\d\\d)-${month}-(\\d\\d) ${clock} GMT$`).exec(text);
  const asctime = new RegExp(`^${day} ${month} (\\d\\d| \\d) ${clock} (\\d{4})$`).exec(text);
  const at = (year: number, name: string, date: string, time: string): number | null => {
    if (time.endsWith(":60") && time !== "23:59:60") return null;
    return secondsOf(year, MONTHS.indexOf(name) + 1, Number(date), time);
  };
  if (imf) return at(Number(imf[3]), imf[2]!, imf[1]!, imf[4]!);
  if (asctime) return at(Number(asctime[4]), asctime[1]!, asctime[2]!, asctime[3]!);
  if (!rfc850) return null;
  const limit = new Date(now * 1000);
  const most = limit.getUTCFullYear() + 50;
  for (let year = most - (most % 100) + 100 + Number(rfc850[3]); ; year -= 100) {
    if (year > most) continue;
    // Compared as texts: the day 50 years ahead may not exist.
    const then = `${String(MONTHS.indexOf(rfc850[2]!) + 1).padStart(2, "0")}-${rfc850[1]} ${rfc850[4]}`;
    if (year === most && then > limit.toISOString().slice(5, 19).replace("T", " ")) continue;
    return at(year, rfc850[2]!, rfc850[1]!, rfc850[4]!);
  }
}

/** A duration of protobuf's JSON in nanoseconds, as far as 64 bits hold it. */
export function protoDuration(text: string): bigint | null {
  const match = /^(-?)(\d+)(?:\.(\d{1,9}))?s$/.exec(text);
  if (!match) return null;
  const nanos = BigInt(match[2]! + (match[3] ?? "").padEnd(9, "0"));
  if (nanos >= 1n << 63n) return null;
  return match[1] ? -nanos : nanos;
}
