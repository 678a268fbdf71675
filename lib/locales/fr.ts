import { builtIn, durationsIn, type Locale, pluralsIn } from './locale.js';

const durations = durationsIn('fr');
const plural = pluralsIn('fr');

export const fr: Locale = builtIn({
  tag: 'fr',
  dir: 'ltr',
  answers: {
    sent: 'Nous vous avons envoyé un code. Consultez votre messagerie.',
    verified: 'Votre adresse e-mail est confirmée.',
    invalid_request: 'Vérifiez les informations saisies.',
    refused: 'Cette demande a été refusée.',
    captcha: 'Confirmez que vous n’êtes pas un robot, puis réessayez.',
    too_many_requests: (seconds) => `Trop de demandes. Réessayez dans ${durations.wait(seconds)}.`,
    delivery_failed: 'L’e-mail n’a pas pu être envoyé. Réessayez plus tard.',
    recipient_refused: 'L’e-mail n’a pas pu être remis. Vérifiez l’adresse, puis réessayez.',
    delivery_unknown: 'L’e-mail peut arriver avec un peu de retard. S’il vous parvient, le code sera valide.',
    unavailable: 'Le service est momentanément indisponible. Réessayez dans un instant.',
    code_incorrect: (attemptsLeft) =>
      attemptsLeft === 0
        ? 'Le code est incorrect. Demandez-en un nouveau.'
        : `Le code est incorrect. Il vous reste ${attemptsLeft} ${plural(attemptsLeft, {
            one: 'tentative',
            other: 'tentatives',
          })}.`,
    code_expired: 'Ce code n’est plus valide. Demandez-en un nouveau.',
    code_outdated: 'Ce code provient d’un e-mail précédent. Saisissez celui de l’e-mail le plus récent.',
    email_not_verified: 'Confirmez d’abord votre adresse e-mail.',
  },
  fields: {
    body: 'La requête n’a pas pu être lue. Envoyez du JSON ou un formulaire.',
    email: 'Saisissez une adresse e-mail valide.',
    emailNotString: 'Le champ email doit être une chaîne de caractères.',
    code: (length) => `Saisissez le code à ${length} chiffres.`,
    letterCode: 'Saisissez le code à 8 lettres.',
    codeNotString: 'Le champ code doit être une chaîne de caractères.',
    challengeId: 'Le champ challengeId doit être une chaîne de caractères.',
    locale: 'Le champ locale doit être une chaîne de caractères.',
  },
  mail: {
    subject: (appName) => `Votre code de vérification ${appName}`,
    subjectWithCode: (appName, code) => `${code} est votre code de vérification ${appName}`,
    preview: (appName) => `Saisissez le code pour confirmer votre adresse e-mail sur ${appName}.`,
    heading: 'Confirmez votre adresse e-mail',
    // A colon has a no-break space before it.
    instruction: (appName) => `Saisissez ce code pour continuer sur ${appName}\u00a0:`,
    expiry: (seconds) =>
      `Ce code expire dans ${durations.exact(seconds)} et ne peut être utilisé qu’une seule fois.`,
    requestedFor: (email) => `Ce code a été demandé pour ${email}.`,
    ignore: 'Si vous n’avez pas demandé ce code, ignorez cet e-mail. Ne communiquez ce code à personne.',
  },
});
