/** One frame that cannot be shown, while others of the same cine may be. Pure. */

/** Thrown for that frame alone; the message is for the log, not for a person. */
export class DamagedFrame extends Error {}
