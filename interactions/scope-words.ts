import type { Client } from '../clients/registry/registry.ts';
import { isAutomatic, isCompatScope } from '../src/consents/compat-scopes.ts';
import { isScope } from '../src/consents/scopes.ts';
import type { Translator } from '../src/web/words.ts';

/** What a scope is called on pages: ours in the reader's language, the company's own as the operator named it. */
export function scopeTitle(words: Translator, { metadata }: Pick<Client, 'metadata'>, scope: string): string {
  const key = keyOf(scope);
  if (key) return words.t(`scope.${key}.title`);
  return metadata.scope_titles?.[scope] ?? words.t('scope.custom.title', { scope });
}

export function scopeDetail(words: Translator, scope: string): string {
  return words.t(`scope.${keyOf(scope) ?? 'custom'}.detail`);
}

function keyOf(scope: string): string | undefined {
  if (isAutomatic(scope)) return 'openid';
  if (isCompatScope(scope)) return scope.replace(':', '_');
  return isScope(scope) ? scope : undefined;
}
