import type { KnownRecords } from './known-records.ts';

/**
 * Brings in the app whose id is an address, and says whether there is one. Undefined for what is no such address. Belongs to
 * the floor above (actions/bring-document-app.ts) and is handed down by app.ts.
 */
export type BringApp = (clientId: string) => Promise<boolean> | undefined;

/**
 * Apps that are a document at the address that is their id (OAuth Client ID Metadata Document, draft). Each time the engine
 * looks for one it is brought into the registry first, or anew when it was looked at long ago; from there on it is
 * like every app. The engine's own feature stays off: what it fetches would pass our registry by.
 */
export function withDocumentApps(known: KnownRecords, bringApp: BringApp | undefined): KnownRecords {
  if (!bringApp) return known;
  return {
    ...known,
    async client(clientId) {
      const there = await bringApp(clientId);
      return there === false ? undefined : known.client(clientId);
    },
  };
}
