/** What an app can add to the emails of the package: its logo, colors, a line for support and small print. */
import { isWhole, readOptions, refuse } from '../checks.js';

/** Everything is optional. */
export interface BrandOptions {
  /** In place of the app's name at the top. Many mail clients show images only after a click, so `alt` matters. */
  readonly logo?:
    | {
        /** An https URL. */
        readonly url: string;
        /** CSS pixels: the width from 1 to 560, the height from 1 to 200. */
        readonly width: number;
        readonly height: number;
        /** @default the app's name */
        readonly alt?: string | undefined;
      }
    | undefined;
  readonly colors?:
    | {
        /** A bar at the top of the card, as `#rrggbb`. @default none */
        readonly accent?: string | undefined;
        /** The background of the page, in light mode. @default '#f3f4f6' */
        readonly page?: string | undefined;
        /** The background of the code, in light mode. Must contrast with the dark text on it (WCAG 2.2 SC 1.4.3). @default '#f0f2f6' */
        readonly code?: string | undefined;
      }
    | undefined;
  /** How to get help, such as `Questions? Write to help@acme.example`. */
  readonly support?: string | undefined;
  /** Small print below, such as a postal address; line feeds are kept. */
  readonly footer?: string | undefined;
}

/** The same with defaults. */
export interface Brand {
  readonly logo: BrandOptions['logo'];
  readonly colors: { readonly accent: string | undefined; readonly page: string; readonly code: string };
  readonly support: string | undefined;
  readonly footer: string | undefined;
}

export const BRAND_NAMES = { logo: true, colors: true, support: true, footer: true };
const LOGO_NAMES = { url: true, width: true, height: true, alt: true };
const COLOR_NAMES = { accent: true, page: true, code: true };

/** @param of The function that was given the options, for error messages. */
export function checkBrand({ logo, colors = {}, support, footer }: BrandOptions, of: string): Brand {
  const {
    accent,
    page = LIGHT.page,
    code = LIGHT.code,
  } = readOptions(colors, COLOR_NAMES, { path: 'colors', of });
  for (const [name, color] of Object.entries({ accent: accent ?? LIGHT.page, page, code })) {
    if (typeof color !== 'string' || !/^#[0-9a-f]{6}$/i.test(color))
      refuse(`colors.${name}`, 'a color as in #1a2b3c', color, of);
  }
  if (contrast(code, LIGHT.text) < 4.5)
    refuse('colors.code', `a light color: the code on it is ${LIGHT.text}`, code, of);
  for (const [name, text] of Object.entries({ support: support ?? '', footer: footer ?? '' })) {
    if (typeof text !== 'string') refuse(name, 'a string', text, of);
  }
  return { logo: logo && checkLogo(logo, of), colors: { accent, page, code }, support, footer };
}

function checkLogo(passed: NonNullable<BrandOptions['logo']>, of: string): BrandOptions['logo'] {
  const { url = '', width = 0, height = 0, alt } = readOptions(passed, LOGO_NAMES, { path: 'logo', of });
  if (!(typeof url === 'string' && URL.canParse(url) && new URL(url).protocol === 'https:'))
    refuse('logo.url', 'an https URL', url, of);
  if (!isWhole(width, 1, 560)) refuse('logo.width', 'a whole number of pixels from 1 to 560', width, of);
  if (!isWhole(height, 1, 200)) refuse('logo.height', 'a whole number of pixels from 1 to 200', height, of);
  if (alt !== undefined && typeof alt !== 'string') refuse('logo.alt', 'a string', alt, of);
  return { url, width, height, alt };
}

const LIGHT = { page: '#f3f4f6', code: '#f0f2f6', text: '#15181e' } as const;

/** The contrast ratio of two colors (WCAG 2.2, relative luminance). */
function contrast(one: string, other: string): number {
  const luminance = (color: string) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
  };
  const [a, b] = [luminance(one), luminance(other)];
  return Math.max(a, b) / Math.min(a, b);
}
