export * from "./config";
export { Condition as Check } from "./condition";
export { Exchange, Kept, Phase } from "./exchange";
export { CLAIMS, GROUPS, IDENTITY } from "./identity";
export { Change, overwritten, refusedName, refusedValue, sameName } from "./names";
export { PathTemplate } from "./path-template";
export { decodesTo, queryStart, same, Selector, Selectors } from "./selector";
export { MAX_VALUE, Text } from "./template";
