// Prints how the prose of the project reads: figures of the library's comments, and all findings.
import { BOUNDS, COMMENT_SHARE, figures, findings } from './prose.mjs';

const { words, commentShare, ...rates } = figures();
console.log(`${words} words of comment in the library; per 1,000 words:`);
for (const [name, rate] of Object.entries(rates)) {
  console.log(`  ${name.padEnd(14)}${rate.toFixed(2).padStart(7)}  (at most ${BOUNDS[name].most})`);
}
const { least, most } = COMMENT_SHARE;
console.log(`  comment lines ${commentShare.toFixed(1).padStart(7)} % (${least} to ${most} %)`);

const found = findings();
console.log(`\n${found.length} findings`);
for (const finding of found) console.log(finding);
