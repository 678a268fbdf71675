/** The sign-up and the inbox in Chromium, Firefox and WebKit: what engines do differently, such as Back and pasting. */
import { useDemo } from './demo-server.js';
import { describeInEngines, type Look, useEngine } from './engines/engine.js';
import { type EnginePage, pageOf } from './engines/page.js';
import { PASSWORD, wrong } from './steps.js';

const EMAIL = 'minji@example.com';

interface Person extends Look {
  readonly lang: 'en' | 'ko';
  readonly sentence: (code: string) => string;
  readonly sent: string;
  readonly incorrect: string;
}

const PEOPLE: readonly Person[] = [
  {
    lang: 'en',
    dark: false,
    width: 1100,
    height: 1000,
    sentence: (code) => `Your verification code is ${code}. It expires in 3 minutes.`,
    sent: 'We sent you a code. Please check your email.',
    incorrect: 'The code is incorrect. You have 4 attempts left.',
  },
  {
    lang: 'ko',
    dark: true,
    width: 460,
    height: 1000,
    sentence: (code) => `인증번호는 ${code}입니다. 3분 안에 입력해 주세요.`,
    sent: '인증번호를 보냈습니다. 메일함을 확인해 주세요.',
    incorrect: '인증번호가 올바르지 않습니다. 4번 더 시도할 수 있습니다.',
  },
];

describeInEngines((engine) => {
  describe.each(PEOPLE)('in $lang', ({ lang, dark, width, height, sentence, sent, incorrect }) => {
    const browser = useEngine(engine, { dark, width, height });
    const demo = useDemo();
    const code = () => demo.mail.lastCode(EMAIL);

    async function open(path = '/', options: Parameters<typeof demo.start>[0] = {}) {
      const origin = await demo.start(options);
      const newPage = async (path: string) => {
        const page = pageOf(await browser.newTab());
        await page.goto(`${origin}${path}?lang=${lang}`);
        await page.becomes(`document.documentElement.lang === '${lang}'`);
        return page;
      };
      const shot = (page: EnginePage, name: string) => page.screenshot(`${engine.name}-${lang}-${name}`);
      return { page: await newPage(path), newPage, origin, shot };
    }

    it('leads from the address to the account, which Back does not show after signing out', async () => {
      const { page, shot } = await open();
      await focusIs(page, 'address-email');
      await shot(page, '1-address');
      await page.type(EMAIL);
      await page.press('Enter');
      await page.at('/sign-up/code');
      await focusIs(page, 'code-code');
      await shot(page, '2-code');
      const right = await code();
      await page.type(wrong(right));
      expect(await page.text('#code-code-error')).toBe(incorrect);
      await page.hidden('#expires-in');
      await focusIs(page, 'code-code');
      expect(await page.evaluate('document.activeElement.getAttribute("aria-invalid")')).toBe('true');
      await shot(page, '3-wrong-code');
      // It is selected, so the right one takes its place.
      await page.type(right);
      await page.visible('[data-step="account"]');
      await focusIs(page, 'account-name');
      await page.type('Minji');
      await page.press('Tab');
      await page.type(PASSWORD);
      await shot(page, '4-account');
      await page.press('Enter');
      await page.at('/welcome');
      expect(await page.text('main')).toContain(EMAIL);
      await shot(page, '5-welcome');
      await page.click('form[action="/sign-out"] button');
      await page.at('/sign-in');
      await shot(page, '6-sign-in');

      await page.back();
      await page.becomes('document.querySelector("main") && !document.body.innerText.includes("Minji")');
      await page.at('/sign-in');
      expect(await page.text('body')).not.toContain(EMAIL);
    });

    it('continues after a reload, and finds the code in a pasted sentence', async () => {
      const { page } = await open();
      await askForCode(page);
      const before = await secondsLeft(page);
      await page.reload();
      await page.visible('#code-code');
      expect(await page.text('#sent-to')).toContain(EMAIL);
      const after = await secondsLeft(page);
      expect(after).toBeLessThanOrEqual(before);
      expect(after).toBeGreaterThan(before - 60);
      await focusIs(page, 'code-code');
      await page.paste(sentence(await code()));
      await page.visible('[data-step="account"]');
    });

    it('sends another code after the cooldown, and says so calmly', async () => {
      const sendLimits = [
        { max: 1, window: 1 },
        { max: 2, window: 3600 },
        { max: 5, window: 86_400 },
      ];
      const { page, shot } = await open('/', { sendLimits });
      await askForCode(page);
      await page.visible('#resend button:not([aria-disabled="true"])');
      await page.click('#resend button');
      expect(await page.texts('#notice, [role="alert"]')).toEqual([sent]);
      await page.hidden('#not-received');
      expect(demo.mail.messages).toHaveLength(2);
      await shot(page, '7-another-code');
    });

    it('leads a newcomer from a later step to the address', async () => {
      const { page, origin } = await open('/sign-up/code');
      for (const path of ['/sign-up/code', '/sign-up/account']) {
        await page.goto(origin + path);
        await page.visible('[data-step="address"]');
        await page.at('/sign-up');
      }
    });

    it('shows new messages in the inbox, after Back too', async () => {
      const { page, origin, shot } = await open('/inbox');
      const arrives = async (to: string) => {
        const body = JSON.stringify({ email: to, locale: lang });
        const headers = { 'content-type': 'application/json' };
        await fetch(`${origin}/email-verification/send`, { method: 'POST', headers, body });
        await page.becomes(`document.querySelector('.messages')?.innerText.includes('${to}')`);
      };
      await arrives('first@example.com');
      await shot(page, '8-inbox');
      await page.goto(`${origin}/sign-in`);
      await page.back();
      await page.at('/inbox');
      // The first of them may be on the page because it was loaded again, the second is not.
      await arrives('second@example.com');
      await arrives('third@example.com');
    });

    it('takes the code from the inbox in another tab', async () => {
      const { page, newPage } = await open();
      await askForCode(page);
      const inbox = await newPage('/inbox');
      await inbox.click('[data-use]');
      await page.visible('[data-step="account"]');
    });
  });
});

const focusIs = (page: EnginePage, id: string) => page.becomes(`document.activeElement.id === '${id}'`);

async function askForCode(page: EnginePage): Promise<void> {
  await page.fill('#address-email', EMAIL);
  await page.click('[data-step="address"] button');
  await page.visible('[data-step="code"]');
}

async function secondsLeft(page: EnginePage): Promise<number> {
  const [minutes = 0, seconds = 0] = (await page.text('#expires-in time')).split(':').map(Number);
  return minutes * 60 + seconds;
}
