/** Where a request comes from, as far as we believe it: handed to verbs for limits and the audit record. */
export type RequestSource = {
  /** The client's address, from the socket or from a trusted proxy's header. */
  ip: string;
  /** The User-Agent header, cut to 400 characters. */
  userAgent: string;
  /** The log's and the problem page's reference. */
  requestId: string;
};
