/** A branded email: the default email with a logo, colors, a line for support and small print. */

import { defaultTemplate, type Template } from 'express-email-verification';

/** Pass it as the `template` option. */
export const template: Template = (input) =>
  defaultTemplate(input, {
    logo: { url: 'https://acme.example/logo.png', width: 120, height: 32 },
    colors: { accent: '#0a5fd1', page: '#eef3fa', code: '#e3ecf8' },
    support: input.locale.tag === 'ko' ? '문의: help@acme.example' : 'Questions? Write to help@acme.example',
    footer: 'Acme Inc.\n1 Main Street, Springfield',
  });
