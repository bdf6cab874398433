export * from "./config";
export { Check } from "./condition";
export { Exchange, Kept, Phase } from "./exchange";
export { CLAIMS, GROUPS, IDENTITY } from "./identity";
export { Edit, isKept, isSingle, overwritten, refusedName, refusedValue, refusedValues, sameName } from "./names";
export { PathTemplate } from "./path-template";
export { denyWith } from "./reply";
export { decodesTo, queryStart, same, Selector, Selectors } from "./selector";
export { MAX_VALUE, Text } from "./template";
