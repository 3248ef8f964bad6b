import { describe, expect, it } from '@jest/globals';
import { checkNewPassword } from '../../src/credentials/password.ts';
import { readSettings } from '../../src/settings.ts';
import { costOf } from '../support/timing.ts';

const maria = ['maria.gonzalez@example.com', 'María González', '+15551234567'];

function verdict(
  password: string,
  about: string[] = maria,
  environment: Record<string, string> = {},
): string {
  const checked = checkNewPassword({ settings: readSettings(environment) }, { password, about });
  return checked.ok ? 'fine' : checked.reason;
}

/** 64 characters that are nobody's password and no repetition; longer ones grow from it. */
const long = (length: number) =>
  Array.from({ length }, (_, i) => String.fromCharCode(33 + ((i * i * 7 + i) % 90))).join('');

describe('A new password', () => {
  it.each([
    ['a few words with spaces', 'correct horse battery staple nine'],
    ['digits alone, if nobody else uses them', '83920174635521'],
    ['lower case alone', 'gtrkwpzmqx'],
    ['eight characters', 'vK2#qp9x'],
    ['64 characters', long(64)],
    ['73 characters, past where bcrypt cuts', long(73)],
    ['128 characters', long(128)],
    ['256 characters', long(256)],
    ['emoji, each one counted by its code points', '🦊🚲🌵🎻🪁🧀🥁🛶'],
    ['a family emoji, whose joiners are text', 'x👩‍👩‍👧‍👦yz7'],
    ['words in another script', 'тишина над озером'],
    ['spaces at both ends', ' gtrkwpzm '],
    ['a sentence that mentions its owner', 'Maria likes to paddle on Sundays'],
    ['a sentence that mentions the service', 'my latchkey hangs by the door'],
  ])('may be %s', (_, password) => {
    expect(verdict(password)).toBe('fine');
  });

  it.each([
    ['seven characters', 'vK2#qp9', 'too_short'],
    ['seven emoji, which are fourteen code units', '🦊🚲🌵🎻🪁🧀🥁', 'too_short'],
    ['eight code points that NFC joins to seven', 'vK2#qpe\u0301', 'too_short'],
    ['nothing', '', 'too_short'],
    ['257 characters', long(257), 'too_long'],
    ['a NUL in the middle', 'vK2#qp9x\0tail', 'not_text'],
    ['a line break', 'vK2#qp9x\n', 'not_text'],
    ['a tab', 'vK2#\tqp9x', 'not_text'],
    ['half a surrogate pair', 'vK2#qp9x\ud83e', 'not_text'],
    ['a top-list password', 'password', 'too_common'],
    ['a top-list password in other case', 'PassWord123', 'too_common'],
    ['a long top-list password', '1q2w3e4r5t6y7u8i', 'too_common'],
    ['one far down the breached list', 'vjht29061987', 'too_common'],
    ['a common password twice', 'iloveyouiloveyou', 'too_common'],
    ['a short common password three times', 'monkeymonkeymonkey', 'too_common'],
    ['one character again and again', 'zzzzzzzzzzzzzzz', 'too_common'],
    ['three characters again and again', 'x7#x7#x7#x7#', 'too_common'],
    ['only spaces', ' '.repeat(12), 'too_common'],
    ['the brand', 'latchkey', 'too_close_to_you'],
    ['the brand and a year', 'Latchkey2026', 'too_close_to_you'],
    ['the brand with look-alikes', 'L4tchk3y!', 'too_close_to_you'],
    ['the brand twice', 'LatchkeyLatchkey', 'too_close_to_you'],
    ['their address', 'Maria.Gonzalez@example.com', 'too_close_to_you'],
    ['the name in their address', 'maria.gonzalez', 'too_close_to_you'],
    ['their names the other way round', 'Gonzalez Maria', 'too_close_to_you'],
    ['their name as written, with a year', 'María González 1985', 'too_close_to_you'],
    ['their name, whose accents were typed apart', 'Mari\u0301aGonza\u0301lez', 'too_close_to_you'],
    ['their phone number without the country', '5551234567', 'too_close_to_you'],
  ])('is refused when it is %s', (_, password, reason) => {
    expect(verdict(password)).toBe(reason);
  });

  it('is measured against the brand and the least length of the settings', () => {
    const settings = { BRAND_NAME: 'Blue Heron', PASSWORD_MIN_LENGTH: '15' };
    expect(verdict('blueheron blue', [], settings)).toBe('too_short');
    expect(verdict('blueheron blue heron', [], settings)).toBe('too_close_to_you');
    expect(verdict('quiet lagoon 44', [], settings)).toBe('fine');
  });

  it('is one password however its accents were typed', () => {
    const settings = readSettings({});
    const [composed, apart] = ['caf\u00e9 ol\u00e9 99', 'cafe\u0301 ole\u0301 99'].map((password) =>
      checkNewPassword({ settings }, { password, about: [] }),
    );
    expect(composed).toEqual(apart);
    expect(composed).toEqual({ ok: true, normalized: 'caf\u00e9 ol\u00e9 99' });
  });

  it('is judged in no time, whatever names its owner made up', async () => {
    const names = Array.from({ length: 60 }, (_, i) => 'a'.repeat(3 + i)).join(' ');
    expect(await costOf(() => verdict(`${'a'.repeat(254)}b!`, [names]))).toBeLessThan(500);
  });
});
