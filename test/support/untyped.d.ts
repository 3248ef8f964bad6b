/** Libraries that come without types, as their users import them. */
declare module 'passport';
declare module 'passport-openidconnect';
