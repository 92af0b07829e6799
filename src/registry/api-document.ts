import { type JsonObject, parseJsonObject } from '../oci/json-document.ts'
import { type Operand, readBody, statusError } from './registry-error.ts'
import type { HttpResponse } from './transport.ts'

const maxBytes = 4 * 1024 * 1024

/** Read the answer of a web API: one JSON object. @throws as statusError; INVALID_ARGUMENT */
export async function readApiDocument(
  response: HttpResponse,
  operand: Operand,
): Promise<JsonObject> {
  if (response.status !== 200) throw await statusError(operand, response)
  return parseJsonObject(await readBody(response, maxBytes, operand.what), operand.what)
}
