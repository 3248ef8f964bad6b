import type { Provider } from 'oidc-provider';

/** An app whose answers are signed is sent no other: one that asks for a plain answer was tricked into it (JARM section 5). */
export function demandSignedAnswers(provider: Provider): void {
  const prototype = provider.Client.prototype as unknown as {
    responseModeAllowed(mode: string, ...rest: unknown[]): boolean;
  };
  const allowed = prototype.responseModeAllowed;
  prototype.responseModeAllowed = function (this: { signs_answers?: boolean }, mode, ...rest) {
    return (!this.signs_answers || /(^|\.)jwt$/.test(mode)) && allowed.call(this, mode, ...rest);
  };
}
