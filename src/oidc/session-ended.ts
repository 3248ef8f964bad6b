/** The session was ended while a request of it was under way: it stays ended, and the request gives nothing away. */
export class SessionEnded extends Error {
  override name = 'SessionEnded';
}
