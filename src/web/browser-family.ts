import Bowser from 'bowser';

/** Which browser on which system a User-Agent header names. Anybody may have written it: only known names come out. */
export function browserParts(userAgent: string | null): {
  browser: string | undefined;
  system: string | undefined;
} {
  const { browser, os } = Bowser.getParser(userAgent || 'unknown').getResult();
  return { browser: known(browser.name), system: known(os.name) };
}

/** `Firefox/Windows`: what stays the same when a browser is updated. */
export function browserFamily(userAgent: string | null): string {
  const { browser = 'unknown', system = 'unknown' } = browserParts(userAgent);
  return `${browser}/${system}`;
}

function known(name: string | undefined): string | undefined {
  return name && /^[\p{L}\d .+-]{1,40}$/u.test(name) ? name : undefined;
}

/** `Firefox, Windows`, for messages, which have no words of their own for it; `?` when nothing is known. */
export function browserWords(userAgent: string | null): string {
  const { browser, system } = browserParts(userAgent);
  return [browser, system].filter((part) => part !== undefined).join(', ') || '?';
}
