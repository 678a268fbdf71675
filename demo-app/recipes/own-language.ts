/** A language that the package does not have: pass `locales: { nl }`. The type `Locale` requires each text. */

import { durationsIn, type Locale, pluralsIn } from 'express-email-verification';

const durations = durationsIn('nl');
const plural = pluralsIn('nl');
const answers: Locale['answers'] = {
  sent: 'We hebben u een code gestuurd. Controleer uw e-mail.',
  verified: 'Uw e-mailadres is geverifieerd.',
  invalid_request: 'Controleer wat u hebt ingevuld.',
  refused: 'Dit verzoek is geweigerd.',
  too_many_requests: (seconds) => `Te veel verzoeken. Probeer het over ${durations.wait(seconds)} opnieuw.`,
  delivery_failed: 'De e-mail kon niet worden verzonden. Probeer het later opnieuw.',
  delivery_unknown: 'De e-mail is mogelijk vertraagd. Als hij aankomt, werkt de code.',
  unavailable: 'De dienst is nu niet beschikbaar. Probeer het zo opnieuw.',
  code_incorrect: (left) =>
    left === 0
      ? 'Onjuiste code. Vraag een nieuwe aan.'
      : `Onjuiste code. U hebt nog ${left} ${plural(left, { one: 'poging', other: 'pogingen' })}.`,
  code_expired: 'Deze code is niet meer geldig. Vraag een nieuwe aan.',
  email_not_verified: 'Verifieer eerst uw e-mailadres.',
};
const fields: Locale['fields'] = {
  body: 'Het verzoek kon niet worden gelezen. Stuur JSON of een formulier.',
  email: 'Vul een geldig e-mailadres in.',
  code: (length) => `Vul de code van ${length} cijfers in.`,
  letterCode: 'Vul de code van 8 letters in.',
  challengeId: 'challengeId moet een string zijn.',
  locale: 'locale moet een string zijn.',
};
const mail: Locale['mail'] = {
  subject: (appName) => `Uw verificatiecode voor ${appName}`,
  subjectWithCode: (appName, code) => `${code} is uw verificatiecode voor ${appName}`,
  preview: (appName) => `Vul de code in om uw e-mailadres voor ${appName} te verifiëren.`,
  heading: 'Verifieer uw e-mailadres',
  instruction: (appName) => `Vul deze code in om door te gaan met ${appName}:`,
  expiry: (seconds) => `De code is ${durations.exact(seconds)} geldig en werkt één keer.`,
  ignore: 'Hebt u deze code niet aangevraagd? Negeer dan deze e-mail. Deel de code met niemand.',
};
export const nl: Locale = { tag: 'nl', dir: 'ltr', answers, fields, mail };
