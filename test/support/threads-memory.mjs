/** Makes threads exceed their memory limit, and prints the outcome of each event. */
import { ThreadProcessor } from 'nestjs-event-tracking/threads';

const [path] = process.argv.slice(2);
const resourceLimits = { maxOldGenerationSizeMb: 32 };
const processor = new ThreadProcessor(path, { threads: 1, resourceLimits });
const event = (name) => ({ id: name, name, timestamp: new Date(), context: {}, data: {} });
for (const name of ['sold', 'memory', 'sold']) {
  const end = await processor.process(event(name)).then(
    () => 'processed',
    (error) => error.message,
  );
  console.log(`${name}: ${end}`);
}
