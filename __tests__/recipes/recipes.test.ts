/** Every recipe is short, is written as an app would write it, has a test, and is named in the README. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const folder = join(root, 'demo-app/recipes');
const recipes = readdirSync(folder).filter((file) => !file.endsWith('.md'));
const textOf = (recipe: string) => readFileSync(join(folder, recipe), 'utf8');
const tests = readdirSync(__dirname)
  .filter((file) => file !== 'recipes.test.ts')
  .map((file) => readFileSync(join(__dirname, file), 'utf8'))
  .join('\n');

describe.each(recipes)('%s', (recipe) => {
  it('has at most 40 lines', () => {
    expect(textOf(recipe).trimEnd().split('\n').length).toBeLessThanOrEqual(40);
  });

  it('imports the package by its name, and packages alone', () => {
    const sources = Array.from(
      textOf(recipe).matchAll(/(?:from|import\() ?'(.+?)'/g),
      ([, source]) => source,
    );
    expect(sources.filter((source) => source?.startsWith('.') && !source.startsWith('./'))).toEqual([]);
  });

  it('is run by a test', () => {
    expect(tests).toContain(`demo-app/recipes/${recipe.replace(/\.ts$/, '')}`);
  });

  it('is named in the README', () => {
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`(demo-app/recipes/${recipe})`);
  });
});
