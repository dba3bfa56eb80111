/** What keeps state from being saved, brought back, looked at or removed: one sentence, and what to do. */
export class StateError extends Error {}
