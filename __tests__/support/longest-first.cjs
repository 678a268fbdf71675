/**
 * Runs the longest test files first. They mostly wait, so others compute meanwhile, and none runs alone at the end. Jest
 * remembers how long each file took; for files it does not know yet, as after a clone, the project decides.
 *
 * Plain JavaScript, because Jest loads it itself.
 */
const { default: Sequencer } = require('@jest/test-sequencer');

/** The projects that wait the longest come first. */
const PROJECTS = ['browser', 'failure', 'package', 'demo', 'recipes', 'attack', 'docs', 'unit'];

const isKnown = ({ duration }) => typeof duration === 'number';
const rank = ({ context }) => PROJECTS.indexOf(context.config.displayName?.name);

module.exports = class LongestFirst extends Sequencer {
  static PROJECTS = PROJECTS;

  sort(tests) {
    const sorted = super.sort(tests);
    const unknown = sorted.filter((test) => !isKnown(test)).sort((one, other) => rank(one) - rank(other));
    return sorted.map((test) => (isKnown(test) ? test : unknown.shift()));
  }
};
