/** Durations in milliseconds, so that a call reads `10 * minutes`. */
export const seconds = 1000;
export const minutes = 60 * seconds;
export const hours = 60 * minutes;
export const days = 24 * hours;
