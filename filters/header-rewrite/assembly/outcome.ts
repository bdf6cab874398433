/* What rules have done to a message, as bits. */

/** A rule's condition held. */
export const ACTED: i32 = 1;
/** A rule had a result that no message may carry. */
export const REFUSED: i32 = 2;
