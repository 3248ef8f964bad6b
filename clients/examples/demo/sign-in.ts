import * as client from 'openid-client';
import { addEvent, type Session } from './session.ts';

/**
 * Signing in with OpenID Connect, all of it: the code flow with PKCE, `state` and `nonce` (RFC 9700), claims from
 * UserInfo, refreshing, and signing out (RP-Initiated Logout 1.0). Each step tells what it did, for the page to show.
 */
export type SignIn = {
  /** Answers the address to send the browser to. */
  begin(session: Session): Promise<string>;
  /** The browser came back to the redirect URI. */
  finish(session: Session, arrived: URL): Promise<void>;
  refresh(session: Session): Promise<void>;
  /** Forgets the person here and answers where the browser goes to be signed out there. */
  end(session: Session): Promise<string>;
};

/** What the service and the app know of each other. */
export type Registered = {
  issuer: string;
  /** What the service is called on the button. */
  brand: string;
  clientId: string;
  clientSecret: string;
  /** The app's own origin, as browsers see it. */
  origin: string;
};

const scope = 'openid profile email phone address offline_access';

export function openSignIn({ issuer, brand, clientId, clientSecret, origin }: Registered): SignIn {
  const redirectUri = `${origin}/callback`;
  let found: Promise<client.Configuration> | undefined;

  /** The discovery document is read once, when it is first needed, and again after a failure. */
  function configuration(): Promise<client.Configuration> {
    // Plain http is for the demonstration on localhost; an issuer on the internet has https.
    const options = issuer.startsWith('http:') ? { execute: [client.allowInsecureRequests] } : {};
    const proof = client.ClientSecretBasic(clientSecret);
    found ??= client.discovery(new URL(issuer), clientId, {}, proof, options);
    found.catch(() => {
      found = undefined;
    });
    return found;
  }

  return {
    async begin(session) {
      const config = await configuration();
      const verifier = client.randomPKCECodeVerifier();
      session.attempt = { verifier, state: client.randomState(), nonce: client.randomNonce() };
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state: session.attempt.state,
        nonce: session.attempt.nonce,
      });
      const sent = 'With a PKCE challenge, a state and a nonce, made for this one attempt.';
      addEvent(session, `Sent you to ${brand}`, sent);
      return url.href;
    },

    async finish(session, arrived) {
      const { attempt } = session;
      session.attempt = undefined;
      if (!attempt) {
        session.problem = 'That sign-in was not begun in this browser, or it was finished already.';
        return;
      }
      const config = await configuration();
      await orSay(session, async () => {
        const tokens = await client.authorizationCodeGrant(config, arrived, {
          pkceCodeVerifier: attempt.verifier,
          expectedState: attempt.state,
          expectedNonce: attempt.nonce,
          idTokenExpected: true,
        });
        addEvent(session, 'You came back with a code', 'Its state and issuer are the ones we expected.');
        const idClaims = tokens.claims();
        if (!idClaims) throw new Error('no ID token');
        addEvent(session, 'Exchanged the code for tokens', 'The ID token’s signature and nonce are right.');
        const claims = await client.fetchUserInfo(config, tokens.access_token, idClaims.sub);
        addEvent(session, 'Read your details', `${Object.keys(claims).length} claims from UserInfo.`);
        session.person = {
          claims,
          idToken: tokens.id_token ?? '',
          accessToken: tokens.access_token,
          refreshToken: tokens.refresh_token,
          refreshes: 0,
          expiresAt: expiryOf(tokens),
        };
      });
    },

    async refresh(session) {
      const { person } = session;
      if (!person?.refreshToken) return;
      const { refreshToken } = person;
      const config = await configuration();
      await orSay(session, async () => {
        const tokens = await client.refreshTokenGrant(config, refreshToken);
        person.accessToken = tokens.access_token;
        person.refreshToken = tokens.refresh_token ?? refreshToken;
        person.refreshes += 1;
        person.expiresAt = expiryOf(tokens);
        person.claims = await client.fetchUserInfo(config, tokens.access_token, String(person.claims['sub']));
        const said = 'A new access token and a new refresh token; the one before is used up.';
        addEvent(session, 'Refreshed', said);
      });
    },

    async end(session) {
      const config = await configuration();
      const { person } = session;
      session.person = undefined;
      addEvent(session, 'Signed you out here', `Next, ${brand} asks whether to sign you out there as well.`);
      const url = client.buildEndSessionUrl(config, {
        post_logout_redirect_uri: `${origin}/signed-out`,
        ...(person ? { id_token_hint: person.idToken } : {}),
      });
      return url.href;
    },
  };
}

function expiryOf(tokens: client.TokenEndpointResponseHelpers): Date {
  return new Date(Date.now() + (tokens.expiresIn() ?? 0) * 1000);
}

/** What the service refuses is said on the page; anything else is a fault of ours. */
async function orSay(session: Session, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const refused =
      error instanceof client.AuthorizationResponseError || error instanceof client.ResponseBodyError;
    if (!refused && !(error instanceof client.ClientError)) throw error;
    const code = refused ? error.error : (error.code ?? 'unknown');
    if (code === 'invalid_grant') session.person = undefined;
    session.problem = sentences[code] ?? `The sign-in service answered: ${code}.`;
    addEvent(session, 'That did not work', refused ? (error.error_description ?? code) : error.message);
  }
}

const sentences: Record<string, string> = {
  access_denied: 'You chose not to let Paperplane see your details. Nothing was shared.',
  login_required: 'You are not signed in.',
  invalid_grant: 'Your access has ended: it was taken back, or it ran out. Sign in again.',
};
