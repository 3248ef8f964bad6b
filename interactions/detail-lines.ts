import { listApis } from '../clients/registry/apis/apis.ts';
import { textIn } from '../clients/registry/apis/members.ts';
import { textsOf } from '../src/oidc/details/detail-types.ts';
import type { App } from '../src/services.ts';
import type { Translator } from '../src/web/words.ts';

type Detail = { type: string } & Record<string, unknown>;

/**
 * What an app asks for beside scopes (RFC 9396), as lines of the consent page: the kind by its title, its fields by
 * theirs with the very values that would be allowed, and the API it is for. There is nothing to untick: all or none.
 */
export async function detailLines(app: Pick<App, 'db'>, words: Translator, details: readonly Detail[]) {
  const apis = details.length === 0 ? [] : await listApis(app);
  return details.map((detail, index) => {
    const api = apis.find(({ authorization_details_types: kinds }) =>
      kinds.some(({ type }) => type === detail.type),
    );
    const kind = api?.authorization_details_types.find(({ type }) => type === detail.type);
    const fields = (kind?.fields ?? []).filter(({ name }) => detail[name] !== undefined);
    const values = fields.map(({ name, title }) => ({
      name: textIn(title, words.locale),
      value: (textsOf(detail[name]) ?? []).join(', '),
    }));
    return {
      scope: `detail-${index}`,
      title:
        kind && api ? `${textIn(kind.title, words.locale)} · ${textIn(api.name, words.locale)}` : detail.type,
      detail: '',
      optional: false,
      ticked: true,
      values,
      hasValues: true,
    };
  });
}
