/**
 * One interface for the browser engines, so that a test can take the same steps in each. An engine that is not
 * installed is skipped with a warning; in CI, that is a failure.
 */
import { chromium, firefox } from './puppeteer.js';
import { webkit } from './webkit.js';

export interface Engine {
  readonly name: 'Chromium' | 'Firefox' | 'WebKit';
  /** The programs that it needs, each with the environment variable that can name it. */
  readonly programs: Readonly<Record<string, string | undefined>>;
  start(look: Look): Promise<RunningEngine>;
}

export interface Look {
  readonly dark: boolean;
  /** Of the page, in CSS pixels. WebKit's windows are at least 447 wide. */
  readonly width: number;
  readonly height: number;
}

export interface RunningEngine {
  /** Somebody with cookies and tabs of their own. In WebKit, one at a time. */
  person(): Promise<Person>;
  close(): Promise<void>;
}

export interface Person {
  newTab(): Promise<Tab>;
  /** Closes the tabs and forgets the cookies. */
  close(): Promise<void>;
}

/** What a person does to a tab. It is as small as possible: `page.ts` makes the rest of it. */
export interface Tab {
  goto(url: string): Promise<void>;
  /** The value of an expression in the page, which may be anything that JSON can hold. */
  evaluate(expression: string): Promise<unknown>;
  /** Clicks in the middle of an element, which must be visible. */
  click(selector: string): Promise<void>;
  /** Types at the focus. */
  type(text: string): Promise<void>;
  press(key: Key): Promise<void>;
  /** A PNG of what is visible. */
  screenshot(): Promise<Uint8Array>;
}

export type Key = 'Enter' | 'Tab' | 'Backspace' | 'Control+a' | 'Control+c' | 'Control+v';

const ENGINES: readonly Engine[] = [chromium, firefox, webkit];

/** `describe` for each engine. */
export function describeInEngines(tests: (engine: Engine) => void): void {
  describe.each(ENGINES)('in $name', (engine) => {
    const missing = Object.keys(engine.programs).filter((variable) => !engine.programs[variable]);
    if (missing.length === 0) tests(engine);
    else withoutEngine(engine, `install it (see __tests__/README.md), or set ${missing.join(' and ')}`);
  });
}

function withoutEngine({ name }: Engine, advice: string): void {
  if (!process.env['CI'])
    console.warn(`The tests in ${name} are skipped, because it was not found: ${advice}.`);
  const test = process.env['CI'] ? it : it.skip;
  test(`needs ${name}`, () => {
    throw new Error(`${name} was not found: ${advice}.`);
  });
}

/** One running engine for a `describe` block, with a new person for each test. */
export function useEngine(engine: Engine, look: Look) {
  let running: RunningEngine | undefined;
  let person: Person | undefined;

  beforeAll(async () => {
    running = await engine.start(look);
  });
  afterEach(async () => {
    await person?.close();
    person = undefined;
  });
  afterAll(() => running?.close());

  return {
    /** A new tab of the test's person. */
    async newTab(): Promise<Tab> {
      if (!running) throw new Error('The engine of useEngine() is available only in tests.');
      person ??= await running.person();
      return person.newTab();
    },
  };
}
