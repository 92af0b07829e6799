import { randomInt } from 'node:crypto'

const adjectives = (
  'able agile amber ample azure bold brave bright brisk calm candid clear clever cosy crisp deft ' +
  'eager early fair fleet fond frank fresh gentle glad golden hardy honest humble jolly keen kind ' +
  'lively lucid mellow merry mild modest neat nimble noble patient plain polite prompt proud quick ' +
  'quiet ready silent silver sleek smart snug sober solid sound spry steady still stout sunny swift ' +
  'tidy true upbeat vivid warm wise witty'
).split(' ')

const nouns = (
  'badger beacon birch brook canoe cedar cliff cloud comet coral crane creek dune ember falcon fern ' +
  'finch fjord forge fox garden glacier grove gull harbor haven hawk heron hill holly iris island ' +
  'ivy kayak kestrel lagoon lake lantern larch lark lily linden lynx maple marten meadow meteor mill ' +
  'moss oak orbit osprey otter owl pebble pine plover poplar quill raft raven reed ridge river robin ' +
  'rowan sail sparrow spruce stone stork swan thistle tern thrush tulip valley walnut willow wren'
).split(' ')

/** A name for a container that was given none: `quiet_otter`, as docker's `adjective_noun`. */
export function generateName(): string {
  return `${pick(adjectives)}_${pick(nouns)}`
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)] as string
}
