/** One line of `latchkey doctor`. */
export type Finding = {
  verdict: 'OK' | 'WARN' | 'FAIL';
  /** What was looked at: settings, folder, secrets, records, live, issuer, proxy, cookies, clock, mail. */
  about: string;
  finding: string;
  /** What to do; undefined when there is nothing to do. */
  advice?: string;
};
