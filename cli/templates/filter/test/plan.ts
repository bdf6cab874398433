/** What is tested, by number. A test's name begins with the number of its line; plan.test.ts fails for one without a test. */
export const PLAN: Readonly<Record<string, string>> = {
  "T-1": "a request that matches is refused",
  "T-2": "all others pass unchanged",
  "T-3": "shadow refuses nothing and counts; off does neither",
  "T-4": "a gRPC call gets a gRPC status",
  "T-5": "every wrong configuration is refused with its path",
  "T-6": "conditions can be combined",
};
