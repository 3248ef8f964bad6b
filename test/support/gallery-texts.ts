/** The gallery's words, where they are not the real pages' own. */
export function galleryTexts(locale: string): typeof english {
  return { en: english, ar: arabic, ja: japanese }[locale] ?? english;
}

const english = {
  signIn: {
    title: 'Sign in',
    lead: 'to continue to Paperplane',
    identifier: 'E-mail or phone number',
    password: 'Password',
    forgot: 'Forgot your password?',
    create: 'Create an account',
  },
  code: {
    title: 'Two-step verification',
    lead: 'Open your authenticator app and type the code it shows for Latchkey.',
    code: 'Code',
    trust: 'Do not ask again on this device',
    trustHint: 'For 30 days. Only on a device that is yours alone.',
  },
  consent: {
    title: 'Paperplane wants to use your account',
    other: 'Not you?',
    scopes: [
      'See your name and picture',
      'See your e-mail address',
      'Stay signed in until you disconnect it',
    ],
    optional: 'See your phone number',
    allow: 'Allow',
    deny: 'Do not allow',
    note: 'You can change your mind at any time in your account.',
  },
  apps: {
    title: 'Connected apps',
    lead: 'Apps you have let use your account. Remove one and it loses access at once.',
    removed: 'Readsmith can no longer use your account.',
    heading: 'Two apps',
    active: 'Active',
    remove: 'Remove',
    password: 'New password',
    facts: 'At a glance',
    identifier: 'E-mail',
  },
  nav: [
    ['home', 'Overview'],
    ['person', 'Profile'],
    ['lock', 'Password'],
    ['shield', 'Two-step verification'],
    ['apps', 'Connected apps'],
    ['device', 'Where you are signed in'],
    ['activity', 'Activity'],
  ] as [string, string][],
};

const arabic: typeof english = {
  signIn: {
    title: 'تسجيل الدخول',
    lead: 'للمتابعة إلى \u2068Paperplane\u2069',
    identifier: 'البريد الإلكتروني أو رقم الهاتف',
    password: 'كلمة المرور',
    forgot: 'هل نسيت كلمة المرور؟',
    create: 'إنشاء حساب',
  },
  code: {
    title: 'التحقق بخطوتين',
    lead: 'افتح تطبيق المصادقة واكتب الرمز الذي يعرضه.',
    code: 'الرمز',
    trust: 'لا تسأل مرة أخرى على هذا الجهاز',
    trustHint: 'لمدة 30 يومًا. فقط على جهاز يخصك وحدك.',
  },
  consent: {
    title: 'يريد \u2068Paperplane\u2069 استخدام حسابك',
    other: 'لست أنت؟',
    scopes: ['رؤية اسمك وصورتك', 'رؤية بريدك الإلكتروني', 'البقاء متصلاً حتى تفصله'],
    optional: 'رؤية رقم هاتفك',
    allow: 'السماح',
    deny: 'عدم السماح',
    note: 'يمكنك تغيير رأيك في أي وقت من حسابك.',
  },
  apps: {
    title: 'التطبيقات المتصلة',
    lead: 'التطبيقات التي سمحت لها باستخدام حسابك.',
    removed: 'لم يعد بإمكان \u2068Readsmith\u2069 استخدام حسابك.',
    heading: 'تطبيقان',
    active: 'نشط',
    remove: 'إزالة',
    password: 'كلمة مرور جديدة',
    facts: 'نظرة سريعة',
    identifier: 'البريد الإلكتروني',
  },
  nav: [
    ['home', 'نظرة عامة'],
    ['lock', 'كلمة المرور'],
    ['apps', 'التطبيقات المتصلة'],
    ['activity', 'النشاط'],
  ],
};

const japanese: typeof english = {
  signIn: {
    title: 'サインイン',
    lead: 'Paperplane に進みます',
    identifier: 'メールアドレスまたは電話番号',
    password: 'パスワード',
    forgot: 'パスワードをお忘れですか？',
    create: 'アカウントを作成',
  },
  code: {
    title: '2 段階認証',
    lead: '認証アプリを開き、表示されているコードを入力してください。',
    code: 'コード',
    trust: 'このデバイスでは次回から確認しない',
    trustHint: '30 日間有効です。ご自身だけが使うデバイスで選んでください。',
  },
  consent: {
    title: 'Paperplane がアカウントの利用を求めています',
    other: '別の方ですか？',
    scopes: ['名前と写真の表示', 'メールアドレスの表示', '接続を解除するまでサインインを維持'],
    optional: '電話番号の表示',
    allow: '許可する',
    deny: '許可しない',
    note: '許可はアカウントページでいつでも取り消せます。',
  },
  apps: {
    title: '接続済みのアプリ',
    lead: 'アカウントの利用を許可したアプリです。',
    removed: 'Readsmith はアカウントを利用できなくなりました。',
    heading: 'アプリ 2 件',
    active: '有効',
    remove: '削除',
    password: '新しいパスワード',
    facts: '概要',
    identifier: 'メール',
  },
  nav: [
    ['home', '概要'],
    ['lock', 'パスワード'],
    ['apps', '接続済みのアプリ'],
    ['activity', 'アクティビティ'],
  ],
};
