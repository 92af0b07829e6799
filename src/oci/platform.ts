/** Source: OCI image-spec §image-index.md#image-index-property-descriptions */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string | undefined
  readonly osVersion?: string | undefined
}
