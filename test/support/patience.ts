/**
 * How long the servers of the tests wait for their stores. A machine that runs several suites at once, or stands still for a
 * while, must not look like a store that is gone: no test asks for less by itself.
 */
export const patient = { STORE_TIMEOUT_MS: '10000' };

/** For what is about stores that are silent: what a server promises that nobody has told otherwise. */
export const prompt = { STORE_TIMEOUT_MS: '1000' };

/** For what waits for silence again and again, and for answers between. */
export const unhurried = { STORE_TIMEOUT_MS: '5000' };

export const patienceMs = Number(patient.STORE_TIMEOUT_MS);
